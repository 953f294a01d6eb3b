use serde_json::{Value, json};

use super::IMPORT;
use crate::{
    App,
    Person::{Ada, Bob},
};

/// An object as the Assistants API returned it.
fn math_tutor() -> Value {
    json!({
        "id": "asst_abc123",
        "object": "assistant",
        "created_at": 1_698_984_975,
        "name": "Math Tutor",
        "description": null,
        "model": "gpt-4o",
        "instructions": "You are a personal math tutor. When asked a question, write and run Python code to answer the question.",
        "tools": [
            {"type": "code_interpreter"},
            {"type": "file_search", "file_search": {"ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0}}},
            {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
        ],
        "tool_resources": {
            "code_interpreter": {"file_ids": ["file-1"]},
            "file_search": {"vector_store_ids": ["vs_1"]}
        },
        "metadata": {"course": "algebra"},
        "top_p": 0.9,
        "temperature": 1.0,
        "reasoning_effort": null,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "strict": true,
                "schema": {"type": "object", "properties": {"result": {"type": "number"}}}
            }
        }
    })
}

fn pointers(report: &Value) -> Vec<&str> {
    let dropped = report["dropped"].as_array().unwrap();
    dropped.iter().map(|dropped| dropped["pointer"].as_str().unwrap()).collect()
}

pub(crate) async fn an_openai_assistant_finds_a_new_home(app: &App) {
    let imported = app.post(Ada, IMPORT).json(&math_tutor()).expect(201).await.body;

    let (assistant, report) = (&imported["assistant"], &imported["report"]);
    assert_eq!(assistant["name"], "Math Tutor");
    assert_eq!(assistant["default_model_key"], "gpt-4o");
    assert_eq!(assistant["instructions"], math_tutor()["instructions"]);
    assert_eq!(assistant["temperature"], 1.0);
    assert_eq!(assistant["top_p"], 0.9);
    assert_eq!(assistant["metadata"], json!({"course": "algebra"}));
    assert_eq!(assistant["response_format"], "json_schema");
    assert_eq!(assistant["json_schemas"][0]["name"], "answer");
    let tools = &assistant["tool_configurations"]["systemTools"];
    assert_eq!(tools["codeInterpreter"]["mode"], "auto");
    assert_eq!(tools["fileSearch"]["mode"], "auto");
    assert_eq!(tools["webSearch"]["mode"], "off");
    assert_eq!(report["externalId"], "openai:asst_abc123");
    let expected = [
        "/tools/1/file_search",
        "/tools/2",
        "/tool_resources/code_interpreter/file_ids/0",
        "/tool_resources/file_search/vector_store_ids/0",
        "/response_format/json_schema/strict",
    ];
    assert_eq!(pointers(report), expected);
    let mapped = report["mapped"].as_array().unwrap();
    assert!(mapped.contains(&json!({"from": "/model", "to": "/default_model_key"})), "{report}");

    let again = app.post(Ada, IMPORT).json(&math_tutor()).expect(200).await.body;
    assert_eq!(again["assistant"], *assistant);
    app.post(Bob, IMPORT).json(&math_tutor()).refused(409, "imported_elsewhere").await;
}

pub(crate) async fn an_openai_prompt_finds_a_new_home(app: &App) {
    let prompt = json!({
        "id": "pmpt_68a1",
        "version": "3",
        "name": "Weather",
        "model": "gpt-4o",
        "messages": [
            {"role": "developer", "content": [{"type": "input_text", "text": "Tell the weather in {{city}}."}]},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hi"}, {"type": "input_image", "image_url": "x"}]}
        ],
        "variables": {"city": "San Francisco"},
        "tools": [
            {"type": "web_search_preview", "search_context_size": "low"},
            {"type": "mcp", "server_label": "maps", "server_url": "https://maps.example.com", "require_approval": "never"},
            {"type": "local_shell"}
        ],
        "max_output_tokens": 500,
        "reasoning": {"effort": "none", "summary": null},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "truncation": "auto"
    });

    let imported = app.post(Ada, IMPORT).json(&prompt).expect(201).await.body;

    let (assistant, report) = (&imported["assistant"], &imported["report"]);
    assert_eq!(assistant["name"], "Weather");
    assert_eq!(assistant["instructions"], "Tell the weather in {{city}}.");
    assert_eq!(assistant["system_message"][0]["role"], "user");
    assert_eq!(assistant["system_message"][1]["texts"], json!(["Hi"]));
    assert_eq!(assistant["max_completion_tokens"], 500);
    assert_eq!(assistant["reasoning"]["effort"], "off");
    let tools = &assistant["tool_configurations"];
    assert_eq!(tools["systemTools"]["webSearch"]["mode"], "auto");
    assert_eq!(tools["mcpTools"][0]["serverLabel"], "maps");
    assert_eq!(tools["mcpTools"][0]["requireApproval"], "never");
    let expected = [
        "/messages/2/content/1",
        "/variables/city",
        "/tools/0/search_context_size",
        "/tools/2",
        "/text/verbosity",
        "/truncation",
    ];
    assert_eq!(pointers(report), expected);
}

pub(crate) async fn faults_are_told_where_the_document_has_them(app: &App) {
    let mut object = math_tutor();
    object["model"] = "no-such-model".into();
    object["temperature"] = 3.into();
    object["metadata"] = json!({"a": 1});

    let faulty = app.post(Ada, IMPORT).json(&object).refused(400, "validation_failed").await;

    let places: Vec<&str> = faulty.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/metadata", "/model", "/temperature"]);
}

pub(crate) async fn what_is_none_of_the_formats_is_told_which_there_are(app: &App) {
    for other in [json!({}), json!({"object": "thread"}), json!({"id": "asst_1"})] {
        let faulty = app.post(Ada, IMPORT).json(&other).refused(400, "validation_failed").await;
        assert_eq!(faulty.faults(), [("", "format")]);
    }
    let other = json!({"format": "something.else"});
    let faulty = app.post(Ada, IMPORT).json(&other).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/format", "format")]);
    let newer = json!({"format": "understudy.assistant", "formatVersion": 2});
    let faulty = app.post(Ada, IMPORT).json(&newer).refused(400, "validation_failed").await;
    assert_eq!(faulty.faults(), [("/formatVersion", "version")]);
    app.post(Ada, IMPORT).body("text/plain", "x").refused(415, "unsupported_media_type").await;
}
