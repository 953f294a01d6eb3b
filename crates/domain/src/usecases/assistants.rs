//! Making, reading, changing, copying and removing assistants.

mod copy;
mod create;
mod delete;
mod list;
mod read;
mod restore;
mod set_default;
mod update;

pub use copy::copy_assistant;
pub use create::create_assistant;
pub(super) use create::{add_assistant, blank, owned, require_creation};
pub use delete::delete_assistant;
pub use list::{AssistantPage, ListAssistants, list_assistants};
pub use read::{read_assistant, view_assistant};
pub use restore::{RESTORABLE_FOR, restore_assistant};
pub use set_default::set_default_assistant;
pub(super) use update::update;
pub use update::{UpdateAssistant, update_assistant};
