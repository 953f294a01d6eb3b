//! MCP servers that are programs, as the file lists them: `[mcp.NAME]`.

use std::collections::BTreeMap;

use understudy_domain::Secret;
use understudy_mcp::StdioServer;

use super::Fault;

/// What assistants call a listed server: this and its name.
pub(crate) const CONNECTOR: &str = "connector_";
/// Most characters of a name.
const MOST_NAME_CHARS: usize = 64;

/// Reads the table `mcp` of a file.
pub(super) fn servers(
    file: &str,
    table: &toml::Value,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, StdioServer> {
    let Some(table) = table.as_table() else {
        let what = "`mcp` must be tables such as [mcp.time] with command, args and env";
        faults.push(Fault::new(file, what));
        return BTreeMap::new();
    };
    let mut servers = BTreeMap::new();
    for (name, value) in table {
        let mut fault = |what: &str| faults.push(Fault::new(file, format!("`mcp.{name}` {what}")));
        if !is_name(name) {
            fault("must have a name of 1 to 64 small letters, digits and `_`");
        } else if let Some(server) = server(value, &mut fault) {
            servers.insert(name.clone(), server);
        }
    }
    servers
}

/// What the identifiers of connectors may hold.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MOST_NAME_CHARS).contains(&name.len()) && name.bytes().all(fits)
}

fn server(value: &toml::Value, fault: &mut impl FnMut(&str)) -> Option<StdioServer> {
    let Some(table) = value.as_table() else {
        fault("must be a table with command, args and env");
        return None;
    };
    let (mut command, mut server) = (None, StdioServer::default());
    for (key, value) in table {
        match key.as_str() {
            "command" => match value.as_str().map(str::trim) {
                Some(text) if fits(text) && !text.is_empty() => command = Some(text.to_owned()),
                _ => fault("must have a program as its command"),
            },
            "args" => match texts(value) {
                Some(texts) => server.args = texts,
                None => fault("must have a list of texts as its args"),
            },
            "env" => match variables(value) {
                Some(variables) => server.env = variables,
                None => fault("must have a table of texts as its env"),
            },
            other => fault(&format!("has the unknown key `{}`", other.escape_debug())),
        }
    }
    if command.is_none() && !table.contains_key("command") {
        fault("needs a command");
    }
    Some(StdioServer { command: command?, ..server })
}

/// What can be handed to a program.
fn fits(text: &str) -> bool {
    !text.contains('\0')
}

fn texts(value: &toml::Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter().map(toml::Value::as_str);
    texts.map(|text| text.filter(|text| fits(text)).map(str::to_owned)).collect()
}

fn variables(value: &toml::Value) -> Option<BTreeMap<String, Secret<String>>> {
    let variables = value.as_table()?.iter().map(|(name, value)| {
        let value = value.as_str().filter(|text| fits(text))?;
        let is_name = !name.is_empty() && fits(name) && !name.contains('=');
        is_name.then(|| (name.clone(), Secret::new(value.to_owned())))
    });
    variables.collect()
}
