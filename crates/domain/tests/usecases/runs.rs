//! Running assistants: the pipeline with a model, tools and a moderator that do as
//! they are told.

mod answers;
mod approvals;
mod budgets;
mod conversations;
mod endings;
mod following;
mod forms;
mod resuming;
mod saying_more;
pub mod stage;
mod stored_ends;
mod taking_up;
mod tools;
