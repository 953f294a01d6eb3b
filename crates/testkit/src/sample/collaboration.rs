//! What people share about assistants: rules, comments, tags and webhooks.

use understudy_domain::{
    Assistant, Attempt, Comment, Delivery, DeliveryState, Rule, RuleAttachment, RuleEntity, RuleId,
    Share, ShareLevel, Tag, UserId, Webhook,
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
};

use super::{id, instant};

/// Rule `n` of organization 1, made by user 1: active, for everybody and everything.
#[must_use]
pub fn rule(n: u32) -> Rule {
    Rule {
        id: id(n),
        organization: id(1),
        name: format!("Rule {n}"),
        description: Some(format!("What rule {n} is for")),
        content: format!("Keep rule {n}."),
        category: RuleCategory::Custom,
        kind: RuleType::Behavior,
        scope: RuleScope::Organization,
        apply_mode: ApplyMode::Always,
        is_public: true,
        is_active: true,
        version: 1,
        created_by: id(1),
        created_at: instant(n),
        updated_at: instant(n),
    }
}

/// That a rule of organization 1 is attached to `entity`, by user 1.
#[must_use]
pub fn attachment(rule: RuleId, entity: RuleEntity) -> RuleAttachment {
    RuleAttachment {
        organization: id(1),
        rule,
        entity,
        priority: 50,
        character_limit: 5_000,
        is_active: true,
        attached_at: instant(1),
        attached_by: id(1),
    }
}

/// What user 1 gave of an assistant.
#[must_use]
pub fn share(level: ShareLevel) -> Share {
    Share { level, created_at: instant(1), created_by: id(1) }
}

/// Comment `n` on `assistant`, not settled.
#[must_use]
pub fn comment(n: u32, assistant: &Assistant, author: UserId) -> Comment {
    Comment {
        id: id(n),
        organization: assistant.organization,
        assistant: assistant.id,
        parent: None,
        author,
        message: format!("Comment {n}"),
        pointer: None,
        resolved: None,
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Comment `n`, a reply to `parent`.
#[must_use]
pub fn reply(n: u32, parent: &Comment, author: UserId) -> Comment {
    Comment {
        id: id(n),
        parent: Some(parent.id),
        author,
        message: format!("Reply {n}"),
        pointer: None,
        resolved: None,
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
        ..parent.clone()
    }
}

/// Tag `n` of organization 1.
#[must_use]
pub fn tag(n: u32) -> Tag {
    Tag {
        id: id(n),
        organization: id(1),
        name: format!("Tag {n}"),
        color: format!("#{n:06x}"),
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Webhook `n` of organization 1, made by user 1: enabled, for all events, and at the
/// beginning of the log.
#[must_use]
pub fn webhook(n: u32) -> Webhook {
    Webhook {
        id: id(n),
        organization: id(1),
        url: format!("https://hooks.example.com/{n}"),
        description: Some(format!("Webhook {n}")),
        events: Vec::new(),
        secret: n.to_be_bytes().into_iter().chain([0, 0xff, 0x80]).collect(),
        enabled: true,
        disabled_reason: None,
        cursor: 0,
        failing_since: None,
        created_by: id(1),
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Delivery `n` of `webhook`, of the event with the same number: tried once in vain,
/// to be tried again at instant `n`.
#[must_use]
pub fn delivery(n: u32, webhook: &Webhook) -> Delivery {
    Delivery {
        id: id(n),
        organization: webhook.organization,
        webhook: webhook.id,
        event_seq: u64::from(n),
        event: id(n),
        action: "assistant.updated".to_owned(),
        state: DeliveryState::Pending,
        attempts: vec![Attempt {
            at: instant(0),
            duration_ms: 120,
            status: Some(503),
            error: Some("the receiver answered 503".to_owned()),
        }],
        next_attempt_at: instant(n),
        created_at: instant(n),
        revision: 1,
    }
}
