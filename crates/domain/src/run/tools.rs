//! The tools that a model is offered: built-in ones, skills, automations, those of MCP
//! servers and those of the caller, each under a name of its own.

mod builtin;
mod mcp;
mod names;

use std::collections::BTreeMap;

pub use mcp::{allows, needs_approval};
use serde_json::{Map, Value};

use self::names::Names;
use super::{
    CallerTool, Notice, NoticeAction,
    settings::ToolModes,
    text::{cut, one_line, visible},
};
use crate::{
    AutomationId, Digest, SkillId,
    assistant::content::{Content, Skill, SkillType},
    automation::Automation,
    chat::ToolSpec,
    fault::Fault,
    ports::McpTool,
    skill::{Custom, driver, tool_name},
};

/// Most tools that a model is offered (what providers take).
pub const MAX_TOOLS: usize = 128;
/// Most characters of the name of a tool (what providers take).
pub const MAX_NAME_CHARS: usize = 64;
/// Most characters of what a model is told about a tool.
pub const MAX_DESCRIPTION_CHARS: usize = 1_024;
/// Most bytes of the schema of a tool of an MCP server.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;

/// What is behind a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolOrigin {
    /// The search engine.
    WebSearch,
    /// The sandbox.
    CodeInterpreter,
    /// The search in files and vector stores.
    FileSearch,
    /// The files themselves.
    FileRetrieval,
    /// A model that draws.
    ImageGeneration,
    /// A computer.
    ComputerUse,
    /// The datasets that the assistant refers to.
    QueryDataset,
    /// A skill of the assistant.
    Skill(SkillId),
    /// A tool of an MCP server.
    Mcp {
        /// The server, by its label in the assistant.
        label: String,
        /// The tool, by its name there.
        tool: String,
    },
    /// An automation.
    Automation(AutomationId),
    /// The caller, who runs it.
    Caller,
}

/// A tool that a model is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedTool {
    /// As the model sees it.
    pub spec: ToolSpec,
    /// What is behind it.
    pub origin: ToolOrigin,
    /// Whether a person must approve each call.
    pub needs_approval: bool,
    /// What it is: see [`pin`].
    pub pin: String,
}

/// The engines that are set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch an engine")]
pub struct Engines {
    /// Searches the web.
    pub web: bool,
    /// Runs code.
    pub code: bool,
    /// Searches files.
    pub knowledge: bool,
    /// Searches vector stores.
    pub vectors: bool,
    /// Asks datasets.
    pub datasets: bool,
    /// Draws.
    pub images: bool,
    /// Controls a computer.
    pub computer: bool,
}

/// What an MCP server has.
#[derive(Clone, Debug)]
pub struct McpListing {
    /// The server, by its label in the assistant.
    pub label: String,
    /// Its tools, or why they are not known.
    pub tools: Result<Vec<McpTool>, String>,
}

/// What is to be offered.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The assistant.
    pub content: &'a Content,
    /// Which built-in tools it has turned on.
    pub modes: &'a ToolModes,
    /// What is set up.
    pub engines: Engines,
    /// Vector stores of the assistant and of the request.
    pub vector_stores: &'a [String],
    /// The MCP servers of the assistant that may be asked, as they answered. One that
    /// is not among them offers nothing, and nothing is said of it.
    pub mcp: &'a [McpListing],
    /// The automations of the assistant, as far as there are such.
    pub automations: &'a [Automation],
    /// The caller's own tools.
    pub caller: &'a [CallerTool],
    /// Whether the model takes tools.
    pub takes_tools: bool,
    /// Most calls; 0 offers no tool.
    pub max_tool_calls: u32,
}

/// What a model is offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offered {
    /// The tools, always in the same order.
    pub tools: Vec<OfferedTool>,
    /// What could not be offered.
    pub notices: Vec<Notice>,
    /// What is wrong with the caller's own tools, by pointers into the request; then
    /// there must be no run.
    pub faults: Vec<Fault>,
}

/// Puts together what a model is offered.
#[must_use]
pub fn offer(offer: &Offer<'_>) -> Offered {
    let mut catalogue = Catalogue {
        offer: *offer,
        names: Names::default(),
        of_caller: BTreeMap::new(),
        offered: Offered::default(),
    };
    catalogue.reserve_caller();
    builtin::add(&mut catalogue);
    for skill in offer.content.skills.iter().filter(|skill| skill.enabled) {
        catalogue.add_skill(skill);
    }
    catalogue.add_automations();
    catalogue.add_caller();
    mcp::add(&mut catalogue);
    catalogue.finish()
}

/// The tool with this name, as the model knows it.
#[must_use]
pub fn find<'a>(offered: &'a [OfferedTool], name: &str) -> Option<&'a OfferedTool> {
    offered.iter().find(|tool| tool.spec.name == name)
}

/// What a tool is, in 64 hex digits: where it is, its name there, its description and
/// its schema. Any change of them makes another tool of it.
#[must_use]
pub fn pin(address: &str, name: &str, description: &str, schema: &Map<String, Value>) -> String {
    let mut text = String::new();
    for part in [address, name, description] {
        write_canonical(&Value::String(part.to_owned()), &mut text);
        text.push('\n');
    }
    write_canonical(&Value::Object(schema.clone()), &mut text);
    Digest::of(text.as_bytes()).to_string()
}

/// JSON without space, with the keys of objects in order: the order says nothing.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            text.push('{');
            for (key, item) in sorted {
                write_canonical(&Value::String(key.clone()), text);
                text.push(':');
                write_canonical(item, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

/// What a model is told, without what people would not see.
fn describe(text: &str) -> String {
    cut(visible(text).trim(), MAX_DESCRIPTION_CHARS).to_owned()
}

struct Catalogue<'a> {
    offer: Offer<'a>,
    names: Names,
    /// The names of the caller's tools, and where they are in the request.
    of_caller: BTreeMap<&'a str, usize>,
    offered: Offered,
}

impl Catalogue<'_> {
    fn unavailable(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.offered.notices.push(Notice::new(field, NoticeAction::Unavailable, reason));
    }

    /// The names of the caller's tools stand: its program knows them.
    fn reserve_caller(&mut self) {
        for (index, tool) in self.offer.caller.iter().enumerate() {
            if self.of_caller.contains_key(tool.name.as_str()) {
                let message = format!("`{}` is the name of an earlier tool", tool.name);
                let at = format!("/tools/{index}/name");
                self.offered.faults.push(Fault::new(at, "duplicate_item", message));
            } else {
                self.of_caller.insert(&tool.name, index);
                self.names.reserve(&tool.name);
            }
        }
    }

    /// A name for a tool of the assistant itself, which no tool of the caller may
    /// have.
    fn own_name(&mut self, wanted: &str, seed: &str) -> String {
        if let Some(index) = self.of_caller.get(wanted) {
            let message =
                format!("`{wanted}` is the name of a tool of the assistant; choose another");
            let at = format!("/tools/{index}/name");
            self.offered.faults.push(Fault::new(at, "duplicate_item", message));
        }
        self.names.claim(wanted, seed)
    }

    fn add_skill(&mut self, skill: &Skill) {
        let engines = self.offer.engines;
        let missing = match skill.kind {
            SkillType::DatasetQuery if !engines.datasets => Some("datasets cannot be asked here"),
            SkillType::WebSearch if !engines.web => Some("no web search is set up here"),
            SkillType::CodeExecution if !engines.code => Some("no sandbox for code is set up here"),
            SkillType::FileAnalysis if !engines.knowledge => Some("files cannot be searched here"),
            SkillType::Custom if Custom::read(&skill.data).is_none() => {
                Some("its settings cannot be read")
            }
            _ => None,
        };
        if let Some(reason) = missing {
            self.unavailable(format!("skills[{}]", skill.name), reason);
            return;
        }
        let custom = Custom::read(&skill.data).filter(|_| skill.kind == SkillType::Custom);
        let definition = driver(skill).tool_definition;
        let Value::Object(parameters) = definition.parameters else { return };
        let description = describe(&definition.description);
        let dataset = skill.dataset_id.clone().map_or(Value::Null, Value::String);
        let mut address = format!("skill:{}:", skill.id);
        write_canonical(&Value::Object(skill.data.clone()), &mut address);
        write_canonical(&dataset, &mut address);
        let tool = OfferedTool {
            pin: pin(&address, &skill.name, &description, &parameters),
            origin: ToolOrigin::Skill(skill.id),
            needs_approval: custom.is_some_and(|custom| custom.requires_approval()),
            spec: ToolSpec {
                name: self.own_name(&definition.name, &skill.id.to_string()),
                description,
                parameters,
                strict: definition.strict,
            },
        };
        self.offered.tools.push(tool);
    }

    fn add_automations(&mut self) {
        let Offer { content, automations, .. } = self.offer;
        for id in &content.tool_configurations.streamline_tools {
            let found = automations.iter().find(|automation| automation.id.to_string() == *id);
            let Some(automation) = found.filter(|automation| automation.is_active) else {
                let reason = match found {
                    Some(automation) => format!("`{}` is not active", automation.name),
                    None => "there is no such automation".to_owned(),
                };
                self.unavailable(format!("tool_configurations.streamlineTools[{id}]"), reason);
                continue;
            };
            let Automation { name, description, url, parameters, .. } = automation;
            let told = match description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                Some(description) => describe(description),
                None => describe(&format!("Runs the automation “{}”.", one_line(name))),
            };
            let tool = OfferedTool {
                pin: pin(&format!("{}:{url}", automation.id), name, &told, parameters),
                origin: ToolOrigin::Automation(automation.id),
                needs_approval: false,
                spec: ToolSpec {
                    name: self.own_name(&tool_name(name), id),
                    description: told,
                    parameters: rooted(parameters.clone()),
                    strict: None,
                },
            };
            self.offered.tools.push(tool);
        }
    }

    fn add_caller(&mut self) {
        for tool in self.offer.caller {
            if find(&self.offered.tools, &tool.name).is_some() {
                continue; // A fault already.
            }
            let parameters = rooted(tool.parameters.clone().unwrap_or_default());
            let description = tool.description.clone().unwrap_or_default();
            self.offered.tools.push(OfferedTool {
                pin: pin("caller", &tool.name, &description, &parameters),
                origin: ToolOrigin::Caller,
                needs_approval: false,
                spec: ToolSpec {
                    name: tool.name.clone(),
                    description,
                    parameters,
                    strict: tool.strict,
                },
            });
        }
    }

    /// Leaves out what cannot be offered whatever it is.
    fn finish(mut self) -> Offered {
        let Offer { takes_tools, max_tool_calls, .. } = self.offer;
        if max_tool_calls == 0 || !takes_tools {
            let is_wanted = !self.offered.tools.is_empty();
            self.offered.tools.clear();
            self.offered.notices.clear();
            if is_wanted {
                let (field, reason) = if takes_tools {
                    ("max_tool_calls", "it is 0, so no tool is offered")
                } else {
                    ("tool_configurations", "the model takes no tools")
                };
                let notice = Notice::new(field, NoticeAction::Dropped, reason);
                self.offered.notices.push(notice);
            }
            return self.offered;
        }
        if self.offered.tools.len() > MAX_TOOLS {
            let rest = self.offered.tools.split_off(MAX_TOOLS);
            let names: Vec<&str> =
                rest.iter().take(20).map(|tool| tool.spec.name.as_str()).collect();
            let more = match rest.len() - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let reason = format!(
                "a model is offered at most {MAX_TOOLS} tools; left out: {}{more}",
                names.join(", ")
            );
            let notice = Notice::new("tool_configurations", NoticeAction::Dropped, reason);
            self.offered.notices.push(notice);
        }
        self.offered
    }
}

/// The schema with an object at its root, which providers demand.
fn rooted(mut schema: Map<String, Value>) -> Map<String, Value> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        schema.insert("type".to_owned(), "object".into());
    }
    schema.entry("properties").or_insert_with(|| Map::new().into());
    schema
}

#[cfg(test)]
mod tests;
