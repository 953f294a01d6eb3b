//! What skills and secrets demand of each other.

use super::{Found, RuleFault};
use crate::{
    Fault,
    assistant::Content,
    skill::{self, tool_name},
};

const ABOUT: &[&str] = &["skills", "secrets"];

/// Everything that is wrong with the skills and secrets of a content. Writes of
/// fields touch neither, so it is asked where they come from elsewhere: merges,
/// versions, copies, imports.
pub(super) fn check(content: &Content, found: &mut Found) {
    let secrets = skill::usable(&content.secrets);
    for (index, skill) in content.skills.iter().enumerate() {
        for fault in skill::faults(&skill.into(), &secrets) {
            let pointer = format!("/skills/{index}{}", fault.pointer);
            found.0.push(RuleFault { fault: Fault { pointer, ..fault }, about: ABOUT });
        }
        let tool = tool_name(&skill.name);
        let mut earlier = content.skills.iter().take(index);
        if let Some(other) = earlier.find(|other| tool_name(&other.name) == tool) {
            let message = format!("must differ from `{}`: both are the tool `{tool}`", other.name);
            found.add(ABOUT, &format!("/skills/{index}/name"), "duplicate_item", message);
        }
    }
    for (index, secret) in content.secrets.iter().enumerate() {
        let mut earlier = content.secrets.iter().take(index);
        if earlier.any(|other| other.name == secret.name) {
            found.add(ABOUT, &format!("/secrets/{index}/name"), "duplicate_item", "must be unique");
        }
    }
}
