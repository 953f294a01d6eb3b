//! Drivers: a skill as the model sees it, which is what it may give and what for,
//! never where the request goes or with which credentials.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::custom::Custom;
use crate::assistant::content::{Skill, SkillType};

/// Most characters of the name of a tool (what providers take).
const MAX_TOOL_NAME_CHARS: usize = 64;

/// A skill as a tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// What does the work: the skill's type.
    pub id: SkillType,
    /// The skill's name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What the model sees.
    pub tool_definition: ToolDefinition,
}

/// A tool as models are offered it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolDefinition {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// A JSON Schema whose root is an object.
    pub parameters: Value,
    /// Whether the model must keep to the schema; absent where the provider decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// The skill as a tool.
#[must_use]
pub fn driver(skill: &Skill) -> Driver {
    let (parameters, strict) = parameters(skill);
    let usual = || usual_description(skill.kind).to_owned();
    Driver {
        id: skill.kind,
        name: skill.name.clone(),
        description: skill.description.clone(),
        tool_definition: ToolDefinition {
            kind: "function",
            name: tool_name(&skill.name),
            description: skill.description.clone().unwrap_or_else(usual),
            parameters,
            strict,
        },
    }
}

/// The name of a skill as the name of a tool: transliterated, other characters as
/// `_`; `skill` when nothing is left.
#[must_use]
pub fn tool_name(name: &str) -> String {
    let mut text = String::new();
    for c in deunicode::deunicode(name).chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            text.push(c);
        } else if !text.is_empty() && !text.ends_with('_') {
            text.push('_');
        }
    }
    text.truncate(MAX_TOOL_NAME_CHARS);
    match text.trim_end_matches('_') {
        "" => "skill".to_owned(),
        name => name.to_owned(),
    }
}

const fn usual_description(kind: SkillType) -> &'static str {
    match kind {
        SkillType::DatasetQuery => "Asks a dataset and answers with rows.",
        SkillType::WebSearch => "Searches the web and answers with pages and excerpts.",
        SkillType::CodeExecution => "Runs code in a sandbox and answers with what it printed.",
        SkillType::FileAnalysis => "Reads the assistant's files to answer a question.",
        SkillType::Custom => "Calls a service and answers with what it said.",
    }
}

fn parameters(skill: &Skill) -> (Value, Option<bool>) {
    let text = |about: &str| json!({"type": "string", "description": about});
    let object = |properties: Value, required: &[&str]| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    match skill.kind {
        SkillType::DatasetQuery => {
            let question = text("What to find out, in words.");
            let sql = text("The query in SQL, where the columns are known.");
            (object(json!({"question": question, "sql": sql}), &["question"]), None)
        }
        SkillType::WebSearch => {
            let query = text("What to search for.");
            (object(json!({"query": query}), &["query"]), Some(true))
        }
        SkillType::CodeExecution => {
            let code = text("The code, in Python.");
            (object(json!({"code": code}), &["code"]), Some(true))
        }
        SkillType::FileAnalysis => {
            let about = "The id of the file to read; all of them when absent.";
            let ids = skill.data.get("fileIds").and_then(Value::as_array);
            let file = match ids.filter(|ids| !ids.is_empty()) {
                Some(ids) => json!({"type": "string", "description": about, "enum": ids}),
                None => text(about),
            };
            let question = text("What to find out.");
            (object(json!({"fileId": file, "question": question}), &["question"]), None)
        }
        SkillType::Custom => {
            let nothing = || Map::from_iter([("type".to_owned(), "object".into())]);
            let schema = Custom::read(&skill.data).and_then(|custom| custom.input_schema);
            (Value::Object(schema.unwrap_or_else(nothing)), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_skills_are_told_from_each_other_as_names_of_tools() {
        for (name, tool) in [
            ("Find orders", "Find_orders"),
            ("find-orders_2", "find-orders_2"),
            ("Aufträge (offen)", "Auftrage_offen"),
            ("¿?", "skill"),
            ("", "skill"),
        ] {
            assert_eq!(tool_name(name), tool);
        }
    }

    proptest! {
        #[test]
        fn every_name_makes_a_name_that_providers_take(name in "\\PC{0,300}") {
            let tool = tool_name(&name);
            prop_assert!((1..=64).contains(&tool.len()));
            prop_assert!(tool.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
        }
    }
}
