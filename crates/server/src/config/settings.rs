//! Where each setting's text comes from: flags over environment over the file
//! over defaults. What a text means is not known here.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Args, Command, parser::ValueSource};

use understudy_mcp::StdioServer;

use super::{Fault, foreign::Foreign, mcp, options::Options};

const DEFAULT_FILE: &str = "understudy.toml";
const PREFIX: &str = "UNDERSTUDY_";
/// The one table of the file.
const MCP: &str = "mcp";
/// Read beside `UNDERSTUDY_OTLP_ENDPOINT`, since every OpenTelemetry set-up has it.
const OTLP_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// A name that is this near to a known one is a slip and not another program's.
const NEAR: usize = 2;

/// Where a setting's value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// On the command line.
    Flag,
    /// In this environment variable.
    Environment(String),
    /// In this file.
    File(PathBuf),
    /// Nowhere: it is the default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::File(path) => write!(f, "file, {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The text; lists are joined by commas.
    pub text: String,
    /// Where it stands.
    pub source: Source,
}

/// All settings that have a value.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, Setting>,
    foreign: Foreign,
    mcp: BTreeMap<String, StdioServer>,
    faults: Vec<Fault>,
}

impl Settings {
    /// Gathers them from the parsed command line, the environment and the file.
    #[must_use]
    pub fn gather(matches: &ArgMatches, environment: &[(OsString, OsString)]) -> Self {
        // A flag may stand behind the subcommand; only there does clap show it.
        let matches = innermost(matches);
        let mut settings = Self::defaults();
        settings.take_file(matches);
        settings.take_environment(environment);
        settings.foreign = Foreign::of(environment);
        settings.take_flags(matches);
        settings
    }

    /// The defaults alone.
    #[must_use]
    pub fn defaults() -> Self {
        let mut settings = Self::default();
        settings.take_defaults();
        settings
    }

    /// Sets `key` as a flag would.
    pub fn set(&mut self, key: &str, text: &str) {
        self.put(key, text, Source::Flag);
    }

    /// The setting `key`, if anything gives it a value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.values.get(key)
    }

    /// Variables whose names others chose.
    #[must_use]
    pub const fn foreign(&self) -> &Foreign {
        &self.foreign
    }

    /// MCP servers that are programs; only the file lists them.
    #[must_use]
    pub const fn mcp(&self) -> &BTreeMap<String, StdioServer> {
        &self.mcp
    }

    /// What is wrong with the sources themselves.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn put(&mut self, key: &str, text: &str, source: Source) {
        // A blank value is how deployment tools say "not set".
        if !text.trim().is_empty() {
            self.values.insert(key.to_owned(), Setting { text: text.trim().to_owned(), source });
        }
    }

    fn take_defaults(&mut self) {
        for argument in options().get_arguments() {
            if let Some(text) = argument.get_default_values().first() {
                self.put(argument.get_id().as_str(), &text.to_string_lossy(), Source::Default);
            }
        }
    }

    fn take_flags(&mut self, matches: &ArgMatches) {
        for key in keys() {
            if matches.value_source(&key) == Some(ValueSource::CommandLine)
                && let Some(text) = matches.get_one::<String>(&key)
            {
                self.put(&key, text, Source::Flag);
            }
        }
    }

    fn take_environment(&mut self, environment: &[(OsString, OsString)]) {
        let known = keys();
        for (name, value) in environment {
            let Some(name) = name.to_str() else { continue };
            if name == OTLP_VARIABLE && self.get("otlp_endpoint").is_none() {
                self.put("otlp_endpoint", &value.to_string_lossy(), environment_source(name));
            }
            let Some(key) = name.strip_prefix(PREFIX).map(str::to_lowercase) else { continue };
            if known.contains(&key) {
                match value.to_str() {
                    Some(text) => self.put(&key, text, environment_source(name)),
                    None => self.faults.push(Fault::new(name, "is not UTF-8")),
                }
            } else if let Some(near) = nearest(&key, &known, NEAR) {
                let meant =
                    format!("is not a setting; did you mean {PREFIX}{}?", near.to_uppercase());
                self.faults.push(Fault::new(name, meant));
            }
        }
    }

    fn take_file(&mut self, matches: &ArgMatches) {
        let named = matches.get_one::<String>("config").filter(|path| !path.is_empty());
        let path = named.map_or(Path::new(DEFAULT_FILE), Path::new);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                let fault =
                    Fault::new(path.display().to_string(), format!("cannot be read: {error}"));
                return self.faults.push(fault);
            }
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.take_table(path, &table),
            Err(error) => {
                let line = error.span().map_or(1, |span| {
                    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
                });
                let what = format!("line {line} is not TOML: {}", one_line(error.message()));
                self.faults.push(Fault::new(path.display().to_string(), what));
            }
        }
    }

    fn take_table(&mut self, path: &Path, table: &toml::Table) {
        let known = keys();
        let file = path.display().to_string();
        for (key, value) in table {
            if key == MCP {
                self.mcp = mcp::servers(&file, value, &mut self.faults);
            } else if !known.contains(key) {
                let near = nearest(key, &known, usize::MAX).unwrap_or_default();
                let what =
                    format!("has the unknown key `{key}`; the nearest known one is `{near}`");
                self.faults.push(Fault::new(&file, what));
            } else if let Some(text) = text_of(value) {
                self.put(key, &text, Source::File(path.to_owned()));
            } else {
                let what = format!("`{key}` must be a text, a number or a list of texts");
                self.faults.push(Fault::new(&file, what));
            }
        }
    }
}

/// The names of all settings, as the file spells them.
pub(super) fn keys() -> Vec<String> {
    options()
        .get_arguments()
        .map(|argument| argument.get_id().to_string())
        .filter(|id| id != "config")
        .collect()
}

fn options() -> Command {
    Options::augment_args(Command::new("understudy"))
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    std::iter::successors(Some(matches), |matches| Some(matches.subcommand()?.1))
        .last()
        .unwrap_or(matches)
}

fn environment_source(name: &str) -> Source {
    Source::Environment(name.to_owned())
}

fn nearest<'a>(key: &str, known: &'a [String], within: usize) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(key, name), name.as_str()))
        .filter(|(distance, _)| *distance <= within)
        .min()
        .map(|(_, name)| name)
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Boolean(_)
        | toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => None,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
