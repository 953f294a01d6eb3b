//! Running assistants: the pipeline with a model, tools and a moderator that do as
//! they are told.

mod answers;
mod approvals;
mod conversations;
mod endings;
mod stage;
mod tools;
