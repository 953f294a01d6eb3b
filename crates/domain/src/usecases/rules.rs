//! Rules: texts of the organization that are attached to assistants and to other
//! things (reference §3.2).

mod attach;

pub(super) use attach::attach_rules;
