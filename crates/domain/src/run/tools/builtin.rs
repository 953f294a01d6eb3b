//! Built-in tools: what a model may give them, and what they need to be there.

use serde_json::{Map, Value, json};

use super::{Catalogue, OfferedTool, ToolOrigin, pin};
use crate::{
    assistant::content::{ReferenceType, ToolMode},
    chat::ToolSpec,
};

/// Offers the built-in tools.
pub(super) fn add(catalogue: &mut Catalogue<'_>) {
    let (modes, engines) = (*catalogue.offer.modes, catalogue.offer.engines);
    for (mode, is_there, tool, reason) in [
        (modes.web_search, engines.web, web_search(), "no web search is set up here"),
        (modes.code_interpreter, engines.code, code(), "no sandbox for code is set up here"),
        (modes.image_generation, engines.images, images(), "no provider that draws is set up here"),
        (modes.computer_use_preview, engines.computer, computer(), "no computer is set up here"),
    ] {
        match mode {
            ToolMode::Off => {}
            ToolMode::On | ToolMode::Auto if is_there => offer(catalogue, tool),
            ToolMode::On | ToolMode::Auto => catalogue.unavailable(field(tool.field), reason),
        }
    }
    add_files(catalogue);
    add_datasets(catalogue);
}

/// A built-in tool.
struct Tool {
    /// Its name in the assistant object.
    field: &'static str,
    origin: ToolOrigin,
    name: &'static str,
    description: &'static str,
    properties: Value,
    required: &'static [&'static str],
}

fn field(tool: &str) -> String {
    format!("tool_configurations.systemTools.{tool}")
}

fn offer(catalogue: &mut Catalogue<'_>, tool: Tool) {
    let Tool { origin, name, description, properties, required, .. } = tool;
    let count = properties.as_object().map_or(0, Map::len);
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let Value::Object(parameters) = schema else { return };
    let offered = OfferedTool {
        pin: pin("builtin", name, description, &parameters),
        origin,
        needs_approval: false,
        spec: ToolSpec {
            name: catalogue.own_name(name, name),
            description: description.to_owned(),
            // Strictness needs every property to be required.
            strict: (count == required.len()).then_some(true),
            parameters,
        },
    };
    catalogue.offered.tools.push(offered);
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn web_search() -> Tool {
    Tool {
        field: "webSearch",
        origin: ToolOrigin::WebSearch,
        name: "web_search",
        description: "Searches the web and answers with pages, their addresses and excerpts. Use \
                      it for what may have changed or is not known. Cite pages by their number.",
        properties: json!({"query": text("What to search for, in a few words.")}),
        required: &["query"],
    }
}

fn code() -> Tool {
    Tool {
        field: "codeInterpreter",
        origin: ToolOrigin::CodeInterpreter,
        name: "code_interpreter",
        description: "Runs a Python program in a sandbox without network and answers with what \
                      it printed. Use it to calculate and to work on data.",
        properties: json!({"code": text("The program. Only what it prints is seen.")}),
        required: &["code"],
    }
}

fn images() -> Tool {
    Tool {
        field: "imageGeneration",
        origin: ToolOrigin::ImageGeneration,
        name: "image_generation",
        description: "Draws an image and shows it to the user. Use it only when an image is \
                      asked for.",
        properties: json!({
            "prompt": text("What the image shows, in detail."),
            "size": {
                "type": "string",
                "enum": ["square", "landscape", "portrait"],
                "description": "Its form; square when absent.",
            },
        }),
        required: &["prompt"],
    }
}

fn computer() -> Tool {
    Tool {
        field: "computerUsePreview",
        origin: ToolOrigin::ComputerUse,
        name: "computer_use_preview",
        description: "Controls a computer by mouse and keyboard and answers with what its screen \
                      shows.",
        properties: json!({
            "action": {
                "type": "string",
                "enum": ["screenshot", "click", "double_click", "move", "scroll", "type", "key",
                         "wait"],
                "description": "What to do.",
            },
            "x": {"type": "integer", "description": "Where, in pixels from the left."},
            "y": {"type": "integer", "description": "Where, in pixels from the top."},
            "text": text("What to type, or the keys to press, such as `ctrl+c`."),
        }),
        required: &["action"],
    }
}

fn file_search() -> Tool {
    Tool {
        field: "fileSearch",
        origin: ToolOrigin::FileSearch,
        name: "file_search",
        description: "Searches the assistant's documents and answers with the passages that fit \
                      best, numbered. Cite them by their number.",
        properties: json!({"query": text("What to find, in the words that it may be written in.")}),
        required: &["query"],
    }
}

fn file_retrieval() -> Tool {
    Tool {
        field: "fileRetrieval",
        origin: ToolOrigin::FileRetrieval,
        name: "file_retrieval",
        description: "Reads a file of the assistant from its beginning or from a given character \
                      on. Use it when passages are not enough.",
        properties: json!({
            "file": text("The id or the name of the file."),
            "from": {
                "type": "integer",
                "minimum": 0,
                "description": "How many characters to skip; 0 when absent.",
            },
        }),
        required: &["file"],
    }
}

fn add_files(catalogue: &mut Catalogue<'_>) {
    let (modes, engines) = (*catalogue.offer.modes, catalogue.offer.engines);
    let has_files = !catalogue.offer.content.files.is_empty();
    let has_stores = !catalogue.offer.vector_stores.is_empty();
    if modes.file_search != ToolMode::Off {
        let searched = (has_files && engines.knowledge) || (has_stores && engines.vectors);
        if searched {
            offer(catalogue, file_search());
        }
        if has_files && !engines.knowledge {
            catalogue.unavailable(field("fileSearch"), "files cannot be searched here");
        }
        if has_stores && !engines.vectors {
            let reason = "vector stores cannot be searched here";
            catalogue.unavailable("vector_store_ids", reason);
        }
        if modes.file_search == ToolMode::On && !has_files && !has_stores {
            let reason = "the assistant has no files and no vector stores to search";
            catalogue.unavailable(field("fileSearch"), reason);
        }
    }
    if modes.file_retrieval != ToolMode::Off {
        match (has_files, engines.knowledge) {
            (true, true) => offer(catalogue, file_retrieval()),
            (true, false) => {
                catalogue.unavailable(field("fileRetrieval"), "files cannot be read here");
            }
            (false, _) if modes.file_retrieval == ToolMode::On => {
                catalogue.unavailable(field("fileRetrieval"), "the assistant has no files");
            }
            (false, _) => {}
        }
    }
}

fn add_datasets(catalogue: &mut Catalogue<'_>) {
    let references = catalogue.offer.content.references.iter();
    let datasets: Vec<&String> = references
        .filter(|reference| reference.target_type == ReferenceType::Dataset)
        .map(|reference| &reference.target_id)
        .collect();
    if datasets.is_empty() {
        return;
    }
    if !catalogue.offer.engines.datasets {
        catalogue.unavailable("references", "datasets cannot be asked here");
        return;
    }
    let tool = Tool {
        field: "references",
        origin: ToolOrigin::QueryDataset,
        name: "query_dataset",
        description: "Asks a dataset in SQL and answers with rows.",
        properties: json!({
            "dataset": {
                "type": "string",
                "enum": datasets,
                "description": "The id of the dataset.",
            },
            "sql": text("A SELECT statement; the columns are those of the dataset."),
        }),
        required: &["dataset", "sql"],
    };
    offer(catalogue, tool);
}
