//! Streamline automations: webhooks that an organization registered and assistants
//! may run (`streamlineTools`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AutomationId, ExecutionId, OrganizationId, RunId, Timestamp, UserId, assistant::content::words,
};

/// A webhook that does something when it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automation {
    /// Its identifier.
    pub id: AutomationId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name, 1 to 255 characters, unique in the organization without regard to
    /// case.
    pub name: String,
    /// What it does, told to the model; at most 1,000 characters.
    pub description: Option<String>,
    /// Where it is called, by `POST`.
    pub url: String,
    /// A JSON Schema of what it takes, whose root is an object.
    pub parameters: Map<String, Value>,
    /// The secret that calls are signed with by the Standard Webhooks scheme
    /// (`whsec_…`), sealed with the organization's data key and bound to
    /// organization, automation and address.
    pub secret: Vec<u8>,
    /// How long a call may take, 1 to 120 seconds.
    pub timeout_seconds: u32,
    /// Whether it may be run.
    pub is_active: bool,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}

impl Automation {
    /// What the sealed secret is bound to.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        format!("{}/{}/{}", self.organization, self.id, self.url).into_bytes()
    }
}

words!(
    /// How far an execution has come.
    ExecutionState {
        /// It was begun.
        Running = "running",
        /// The automation answered with success.
        Succeeded = "succeeded",
        /// It answered otherwise or not at all.
        Failed = "failed",
    }
);
words!(
    /// Who ran it.
    Trigger {
        /// An assistant.
        Assistant = "assistant",
        /// A person or program, through the API.
        Api = "api",
    }
);

/// One call of an automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its identifier.
    pub id: ExecutionId,
    /// The organization of the automation.
    pub organization: OrganizationId,
    /// The automation.
    pub automation: AutomationId,
    /// Who ran it.
    pub trigger: Trigger,
    /// For whom.
    pub user: UserId,
    /// In which run.
    pub run: Option<RunId>,
    /// With what.
    pub parameters: Map<String, Value>,
    /// How far it has come.
    pub state: ExecutionState,
    /// What it answered.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
