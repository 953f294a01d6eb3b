//! OpenAI's own clients, unmodified.

use std::{path::Path, process::Command};

use serde_json::json;
use understudy_testkit::{RecordedRequest, Turn};
use understudy_tests::tools::{node_folder, python};

use crate::{
    App,
    Person::{Ada, Admin},
    responses::{approvals::tickets, assistant, upstream},
};

const PYTHON: &str = include_str!("client.py");
const NODE: &str = include_str!("client.mjs");

/// Says what the words of the last question ask for.
fn answer(request: &RecordedRequest) -> Turn {
    let said = request.body.to_string();
    let is_result = said.contains("\"role\":\"tool\"") || said.contains("function_call_output");
    if said.contains("weather") && !is_result {
        return Turn::tool_call("weather", json!({"city": "Bern"}));
    }
    if said.contains("Close ticket") {
        return match (is_result, said.contains("Not this one.")) {
            (false, _) => Turn::tool_call("tickets__close", json!({"number": 7})),
            (true, false) => Turn::text("Closed."),
            (true, true) => Turn::text("Left open."),
        };
    }
    if said.contains("person") {
        return Turn::chunks([r#"{"name": "Ada","#, r#" "age": 36}"#]);
    }
    if said.contains("decline") {
        return Turn::refusal("I will not.");
    }
    if said.contains("name again") {
        let knows = said.contains("My name is Grace");
        return Turn::text(if knows { "Grace." } else { "I do not know." });
    }
    Turn::chunks(["Good", " morning", "."])
}

/// Runs a program that says `good` at its end.
async fn run(app: &App, mut command: Command) {
    let upstream = upstream(app).await;
    upstream.respond_with(answer);
    let embedding = json!({
        "name": "Embedding", "kind": "openai-compatible", "baseUrl": upstream.openai_url(),
        "models": ["text-embedding-3-small"],
    });
    app.post(Admin, "/api/providers").json(&embedding).expect(201).await;
    assistant(app, tickets(app)).await;
    command.env("OPENAI_BASE_URL", format!("{}/openai/v1", app.address));
    command.env("OPENAI_API_KEY", Ada.token()).env("NO_PROXY", "*");
    let run = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let complaints = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{complaints}");
    assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "good", "{complaints}");
}

pub(crate) async fn the_python_package_is_understood(app: &App) {
    let mut command = Command::new(python());
    command.args(["-c", PYTHON]);
    run(app, command).await;
}

pub(crate) async fn the_node_package_is_understood(app: &App) {
    let mut command = Command::new("node");
    let folder: &Path = &node_folder();
    command.args(["--input-type=module", "--eval", NODE]).current_dir(folder);
    run(app, command).await;
}
