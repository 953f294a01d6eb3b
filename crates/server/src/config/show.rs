//! The effective configuration as text, for people.

use std::fmt::Write;

use understudy_domain::sealed::MASK;
use understudy_mcp::StdioServer;

use super::{Settings, settings::keys, values::masked_url};

/// One line for each setting, as `understudy.toml` would have it, with where it
/// came from.
pub(super) fn lines(settings: &Settings) -> String {
    let mut text = String::new();
    for key in keys() {
        let (value, source) = value(settings, &key);
        let value = value.parse().map_or_else(|_| toml::Value::String(value), toml::Value::Integer);
        let line = format!("{key} = {value}");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line:60}  # {source}");
    }
    for (name, server) in settings.mcp() {
        text.push_str(&listed(name, server));
    }
    text
}

/// An MCP server as the file lists it, without what its variables hold.
fn listed(name: &str, server: &StdioServer) -> String {
    let args = server.args.iter().map(|text| toml::Value::from(text.as_str())).collect();
    let env = server.env.keys().map(|name| (name.clone(), MASK.into())).collect();
    let table = toml::Table::from_iter([
        ("command".to_owned(), server.command.as_str().into()),
        ("args".to_owned(), toml::Value::Array(args)),
        ("env".to_owned(), toml::Value::Table(env)),
    ]);
    format!("mcp.{name} = {}  # file\n", toml::Value::Table(table))
}

fn value(settings: &Settings, key: &str) -> (String, String) {
    settings.get(key).map_or_else(
        || derived(settings, key),
        |setting| (shown(key, &setting.text), setting.source.to_string()),
    )
}

fn shown(key: &str, text: &str) -> String {
    match key {
        "master_key"
        | "master_key_previous"
        | "bootstrap_token"
        | "oidc_client_secret"
        | "web_search_key" => MASK.to_owned(),
        "database_url" | "otlp_endpoint" => masked_url(text),
        _ => text.to_owned(),
    }
}

/// What holds when the setting is not given.
fn derived(settings: &Settings, key: &str) -> (String, String) {
    let text = |key| settings.get(key).map_or("", |setting| setting.text.as_str());
    let data_dir = text("data_dir").trim_end_matches('/');
    let (value, source) = match key {
        "database_url" => (format!("sqlite:{data_dir}/understudy.db"), "default"),
        "blob_url" => (format!("file:{data_dir}/blobs"), "default"),
        "master_key_file" if settings.get("master_key").is_none() => {
            (format!("{data_dir}/master.key"), "default, made on the first start")
        }
        "public_url" => (format!("http://{}", text("listen")), "default"),
        "bootstrap_token" => (String::new(), "default, generated on an empty database"),
        _ => (String::new(), "not set"),
    };
    (value, source.to_owned())
}
