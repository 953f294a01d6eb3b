//! Skills: what an assistant can do, each with a driver that turns it into a tool
//! for the model (http.md, `{id}/skills`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::words;
use crate::{SkillId, Timestamp, UserId};

words!(
    /// What kind of thing a skill does.
    SkillType {
        /// Asks a dataset.
        DatasetQuery = "dataset-query",
        /// Searches the web.
        WebSearch = "web-search",
        /// Runs code in a sandbox.
        CodeExecution = "code-execution",
        /// Reads the assistant's files.
        FileAnalysis = "file-analysis",
        /// Calls an HTTP service.
        Custom = "custom",
    }
);

/// Something that an assistant can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skill {
    /// Its identifier, the same in the draft and in every version.
    pub id: SkillId,
    /// What kind of thing it does.
    #[serde(rename = "type")]
    pub kind: SkillType,
    /// Its name, 1 to 255 characters; as the name of a tool it is unique in the
    /// assistant.
    pub name: String,
    /// What it is for, told to the model; at most 1,000 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Settings, whose form depends on the type.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// The dataset that is asked; for [`SkillType::DatasetQuery`] only.
    #[serde(default)]
    pub dataset_id: Option<String>,
    /// Whether the model is offered it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: UserId,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

const fn yes() -> bool {
    true
}
