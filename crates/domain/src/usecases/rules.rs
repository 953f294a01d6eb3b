//! Rules: texts of the organization that are attached to assistants and to other
//! things (reference §3.2).

mod assistant;
mod attach;
mod attachments;
mod delete;
mod effective;
mod manage;

pub use assistant::{
    AssistantRule, MAX_RULES_OF_ASSISTANT, attach_to_assistant, detach_from_assistant,
    list_assistant_rules, view_assistant_rule,
};
pub(super) use attach::{attach_rules, may_attach, may_see};
pub use attachments::{
    AttachRule, AttachmentView, CHARACTER_LIMITS, MAX_ATTACHMENTS, PRIORITIES, attach_rule,
    detach_rule, list_attachments, view_attachment,
};
pub use delete::delete_rule;
pub use effective::{EffectiveRule, RuleSubject, effective_rules};
pub use manage::{
    CreateRule, ListRules, MAX_CONTENT_CHARS, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_RULES,
    UpdateRule, create_rule, etag, list_rules, update_rule, view_rule,
};
