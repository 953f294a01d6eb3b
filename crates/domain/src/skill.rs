//! Skills as the model is offered them, and what a skill must be for that: its data
//! by its type, its placeholders by what the assistant has.

mod address;
mod answer;
mod custom;
mod data;
mod driver;
mod request;
mod template;

pub(crate) use address::{check_address, origin_of, read_origin};
pub use answer::answer;
pub use custom::{Custom, Method};
pub use data::schema;
pub(crate) use data::{Described, Usable, faults, spell, usable};
pub use driver::{Driver, ToolDefinition, driver, tool_name};
pub use request::{Secrets, SkillFault, request};
pub use template::{Malformed, Part, Template};

use crate::assistant::content::{Skill, SkillType};

/// Most characters of a skill's name.
pub const MAX_NAME_CHARS: usize = 255;
/// Most characters of what a skill or secret is for.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;

/// Whether the skill uses the secret with this name.
#[must_use]
pub fn uses_secret(skill: &Skill, name: &str) -> bool {
    skill.kind == SkillType::Custom && custom::secrets_of(&skill.data).contains(name)
}
