//! The form of the answer, and how much of it there is to be.

use serde_json::{Map, Value};

use super::{Fitting, NoticeAction, Protocol, Treatment, schema};
use crate::{chat::SentFormat, run::settings::Format};

const PLAIN: &str = "Answer in plain text, without Markdown or other markup.";
const JSON: &str =
    "Answer with one JSON object and nothing else: no words before or behind it, no code fence.";

impl Fitting<'_> {
    pub(super) fn format(&mut self) {
        let settings = self.settings;
        match &settings.format {
            Format::Text => {}
            Format::Plain => self.fitted.hints.push(PLAIN.to_owned()),
            Format::JsonObject => self.json_object(),
            Format::JsonSchema { name, description, schema, strict } => {
                self.json_schema(name, description.as_deref(), schema, *strict);
            }
        }
    }

    /// Whether the model can be held to a form: Ollama can hold any model to it, and
    /// the built-in one puts what it finds into it.
    fn keeps_form(&self) -> bool {
        let keeps_any = matches!(self.protocol(), Protocol::OllamaChat | Protocol::Builtin);
        self.model.has("structured") || keeps_any
    }

    /// Whether the provider heeds the form that it is sent. Of those that others run it
    /// is not known, and the built-in one does what it can.
    fn heeds_form(&self) -> bool {
        match self.protocol() {
            Protocol::OpenaiResponses
            | Protocol::OpenaiChat
            | Protocol::AnthropicMessages
            | Protocol::OllamaChat => true,
            Protocol::CompatibleChat => self.model.is_known,
            Protocol::Builtin => false,
        }
    }

    /// Whether the provider holds the model to all of a schema that it is sent, not
    /// only to JSON.
    fn heeds(&self, schema: &Map<String, Value>, is_sent_as_strict: bool) -> bool {
        let heeds_all = match self.protocol() {
            Protocol::OllamaChat | Protocol::AnthropicMessages => schema::is_bare(schema),
            _ => is_sent_as_strict,
        };
        heeds_all && self.heeds_form()
    }

    /// The word JSON is said in any case: OpenAI demands it, and other models lose
    /// themselves in white space without it.
    fn json_object(&mut self) {
        const FIELD: &str = "response_format";
        match self.treatment(FIELD) {
            Treatment::Sent(_) if self.keeps_form() => {
                self.fitted.sent.format = Some(SentFormat::JsonObject);
                self.fitted.is_held_to_form = self.heeds_form();
                if self.protocol() != Protocol::Builtin {
                    self.fitted.hints.push(JSON.to_owned());
                }
            }
            Treatment::Sent(_) | Treatment::Emulated => self.ask_for(FIELD, JSON.to_owned()),
            Treatment::Told | Treatment::Nothing => {
                let reason = self.has_none();
                self.note(FIELD, NoticeAction::Dropped, reason);
            }
        }
    }

    fn json_schema(
        &mut self,
        name: &str,
        description: Option<&str>,
        schema: &Map<String, Value>,
        strict: bool,
    ) {
        const FIELD: &str = "json_schemas";
        let is_anthropic = self.protocol() == Protocol::AnthropicMessages;
        let is_taken = self.keeps_form() && (!is_anthropic || schema::is_bare(schema));
        match self.treatment(FIELD) {
            Treatment::Sent(_) if is_taken => {
                let strict = strict && schema::is_strict(schema);
                self.fitted.is_held_to_form = self.heeds(schema, strict);
                self.fitted.sent.format = Some(SentFormat::JsonSchema {
                    name: name.to_owned(),
                    description: description.map(str::to_owned),
                    schema: schema.clone(),
                    strict,
                });
                // Of others it is not known whether they heed it.
                let is_sure = self.model.is_known && self.protocol() != Protocol::OllamaChat;
                if !is_sure && self.protocol() != Protocol::Builtin {
                    self.fitted.hints.push(in_words(description, schema));
                }
            }
            Treatment::Sent(_) | Treatment::Emulated => {
                self.ask_for(FIELD, in_words(description, schema));
            }
            Treatment::Told | Treatment::Nothing => {
                let reason = self.has_none();
                self.note(FIELD, NoticeAction::Dropped, reason);
            }
        }
    }

    /// Asks the model for the form in words; what it answers is checked here.
    fn ask_for(&mut self, field: &str, hint: String) {
        self.fitted.hints.push(hint);
        let reason = format!(
            "`{}` cannot be held to it; it is asked in words, and its answer is checked",
            self.model.key
        );
        self.note(field, NoticeAction::Emulated, reason);
    }

    pub(super) fn verbosity(&mut self) {
        const FIELD: &str = "text_config.verbosity";
        let Some(wanted) = self.settings.verbosity.as_deref() else { return };
        match self.treatment(FIELD) {
            Treatment::Sent(_) if self.model.takes("verbosity") => {
                self.fitted.sent.verbosity = Some(wanted.to_owned());
            }
            Treatment::Sent(_) | Treatment::Emulated => {
                let hint = match wanted {
                    "low" => "Answer briefly, without anything that was not asked for.",
                    "high" => "Answer at length and in detail.",
                    _ => "Answer at moderate length.",
                };
                self.fitted.hints.push(hint.to_owned());
                let reason = format!("`{}` does not take it; it is asked in words", self.model.key);
                self.note(FIELD, NoticeAction::Emulated, reason);
            }
            Treatment::Told | Treatment::Nothing => {
                let reason = self.has_none();
                self.note(FIELD, NoticeAction::Dropped, reason);
            }
        }
    }
}

fn in_words(description: Option<&str>, schema: &Map<String, Value>) -> String {
    let about = description.map(|text| format!(" ({text})")).unwrap_or_default();
    let schema = Value::Object(schema.clone());
    format!("{JSON} It must fit this JSON Schema{about}:\n{schema}")
}
