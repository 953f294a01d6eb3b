use understudy_domain::{
    chat::{Protocol, SentSettings, SystemBlock, ToolChoice, ToolSpec},
    conversation::{ToolCall, ToolResult},
};

use super::*;

const HOURS: &str = "Opening hours\nThe shop is open from nine to five. On Sundays it is closed. We \
                     sell tea and cake. A pot of tea costs four francs.";

fn passage(number: u32, title: &str, text: &str) -> Citation {
    Citation {
        number,
        title: title.to_owned(),
        kind: "file".to_owned(),
        id: None,
        url: None,
        text: Some(text.to_owned()),
        score: Some(0.5),
    }
}

fn block(layer: &str, text: &str) -> SystemBlock {
    SystemBlock { layer: layer.to_owned(), text: text.to_owned(), is_stable: true }
}

fn asking(question: &str) -> ChatRequest {
    ChatRequest {
        protocol: Protocol::Builtin,
        model: MODEL.to_owned(),
        system: vec![
            block("safety", "Never tell of the vault behind the shop."),
            block("instructions", "You are Ada, who helps in a tea shop. Dogs are welcome."),
        ],
        items: vec![Item::text(MessageRole::User, question)],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        settings: SentSettings::default(),
        passages: vec![
            passage(1, "hours.md", HOURS),
            passage(2, "menu.md", "We sell tea and cake. The cake is baked every morning."),
        ],
        user_hash: String::new(),
    }
}

fn with_tool(question: &str) -> ChatRequest {
    let tool = ToolSpec {
        name: "look_up".to_owned(),
        description: String::new(),
        parameters: serde_json::Map::new(),
        strict: None,
    };
    ChatRequest { tools: vec![tool], ..asking(question) }
}

fn text_of(events: &[ChatEvent]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        ChatEvent::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn say(question: &str) -> String {
    text_of(&answer(&asking(question)))
}

fn stop_of(events: &[ChatEvent]) -> (ChatStop, ChatUsage) {
    match events.last() {
        Some(ChatEvent::Done { stop, usage: Some(usage), .. }) => (stop.clone(), *usage),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sentences_that_fit_are_said_with_their_numbers_and_cited_once() {
    let events = answer(&asking("How much is a pot of tea?"));

    assert_eq!(text_of(&events), "A pot of tea costs four francs. [1]");
    let cited = events.iter().filter_map(|event| match event {
        ChatEvent::Citation(passage) => Some(passage.number),
        _ => None,
    });
    assert_eq!(cited.collect::<Vec<_>>(), [1]);
    assert_eq!(events.first(), Some(&ChatEvent::Started { model: Some(MODEL.to_owned()) }));
    assert_eq!(stop_of(&events).0, ChatStop::EndTurn);
}

#[test]
fn what_stands_under_a_heading_is_found_by_it() {
    let passages = vec![passage(3, "shop.md", "Shop › Delivery\nWe come by bicycle. It is free.")];
    let request = ChatRequest { passages, ..asking("Is there a delivery?") };
    assert_eq!(text_of(&answer(&request)), "We come by bicycle. [3] It is free. [3]");
}

#[test]
fn sentences_of_several_passages_are_said_in_their_order_and_none_twice() {
    assert_eq!(
        say("Which cake do you sell?"),
        "We sell tea and cake. [1]\n\nThe cake is baked every morning. [2]"
    );
}

#[test]
fn what_the_assistant_is_told_counts_too_but_not_its_rules() {
    assert_eq!(say("Are dogs allowed?"), "Dogs are welcome.");
    assert_eq!(say("Is there a vault?"), NOTHING);
}

#[test]
fn what_fits_nothing_is_answered_with_that() {
    for question in ["Who won the football match?", "", "What is it?", "?"] {
        assert_eq!(say(question), NOTHING, "{question}");
    }
}

#[test]
fn no_more_than_five_sentences_are_said() {
    let many = (1..=20).map(|number| format!("Tea number {number} is green."));
    let passages = vec![passage(1, "teas", &many.collect::<Vec<_>>().join(" "))];
    let events = answer(&ChatRequest { passages, ..asking("Which tea is green?") });
    assert_eq!(text_of(&events).matches("[1]").count(), 5);
    let said = events.iter().filter(|event| matches!(event, ChatEvent::Text(_)));
    assert_eq!(said.count(), 5, "each sentence is said by itself");
}

#[test]
fn a_question_is_said_with_its_answer() {
    let passages = vec![passage(1, "faq", "Can I pay by card? Yes, from ten francs.")];
    let request = ChatRequest { passages, ..asking("May I pay with a card?") };
    assert_eq!(text_of(&answer(&request)), "Can I pay by card? [1] Yes, from ten francs. [1]");
}

#[test]
fn greetings_are_greeted_and_who_asks_is_told_who_it_is() {
    for greeting in ["Hello!", "hi there", "Guten Tag", "Good morning."] {
        assert_eq!(say(greeting), "Hello! What would you like to know?", "{greeting}");
    }
    assert_eq!(say("Who are you?"), "I am Ada, who helps in a tea shop.");
    let nobody = ChatRequest { system: Vec::new(), ..asking("Wer bist du?") };
    assert!(text_of(&answer(&nobody)).contains("without a model"));
    assert!(say("Hello, is the cake good?").contains("cake is baked"), "more than a greeting");
}

#[test]
fn an_offered_tool_is_called_when_it_is_written_so() {
    let call = ToolCall {
        id: "call_1".to_owned(),
        name: "look_up".to_owned(),
        arguments: r#"{"at":"x y"}"#.to_owned(),
    };
    let events = answer(&with_tool(r#" /look_up {"at": "x y"} "#));
    assert!(events.contains(&ChatEvent::ToolCall(call.clone())), "{events:?}");
    assert_eq!(stop_of(&events).0, ChatStop::ToolUse);
    assert_eq!(text_of(&events), "");

    let mut told = with_tool(r#"/look_up {"at": "x y"}"#);
    told.items.push(Item::ToolCall(call.clone()));
    told.items.push(Item::ToolResult(ToolResult {
        call_id: call.id,
        content: "It is at y.".to_owned(),
        is_error: false,
    }));
    assert_eq!(text_of(&answer(&told)), "It is at y.");

    told.items.push(Item::text(MessageRole::User, "/look_up"));
    let events = answer(&told);
    let again = events.iter().find_map(|event| match event {
        ChatEvent::ToolCall(call) => Some((call.id.as_str(), call.arguments.as_str())),
        _ => None,
    });
    assert_eq!(again, Some(("call_2", "{}")));
}

#[test]
fn a_tool_that_cannot_be_called_is_not() {
    for (question, expected) in
        [("/other {}", "no tool other"), ("/look_up {at: 1}", "must be a JSON object")]
    {
        let events = answer(&with_tool(question));
        assert!(text_of(&events).contains(expected), "{question}: {events:?}");
        assert_eq!(stop_of(&events).0, ChatStop::EndTurn);
    }
    let forbidden = ChatRequest { tool_choice: ToolChoice::None, ..with_tool("/look_up {}") };
    assert_eq!(stop_of(&answer(&forbidden)).0, ChatStop::EndTurn);
    let path = answer(&with_tool("/usr/bin is full of tea?"));
    assert!(text_of(&path).contains("tea"), "a path is no command");
}

#[test]
fn words_are_counted_and_kept_to() {
    let mut request = asking("How much is a pot of tea?");
    let (_, whole) = stop_of(&answer(&request));
    assert_eq!(whole.output_tokens, 8);
    assert!(whole.input_tokens > 40);

    request.settings.max_output_tokens = Some(4);
    let events = answer(&request);
    assert_eq!(text_of(&events), "A pot of tea");
    let (stop, used) = stop_of(&events);
    assert_eq!((stop, used.output_tokens), (ChatStop::MaxTokens, 4));
}

#[test]
fn the_same_request_gives_the_same_answer() {
    assert_eq!(answer(&asking("Tea, cake, hours?")), answer(&asking("Tea, cake, hours?")));
}

fn formed(format: SentFormat) -> Vec<ChatEvent> {
    let mut request = asking("How much is a pot of tea?");
    request.settings.format = Some(format);
    answer(&request)
}

fn fitting(schema: Value) -> Vec<ChatEvent> {
    let Value::Object(schema) = schema else { panic!("{schema}") };
    let name = "form".to_owned();
    formed(SentFormat::JsonSchema { name, description: None, schema, strict: true })
}

#[test]
fn any_json_object_has_the_answer_and_what_it_draws_on() {
    let said: Value = serde_json::from_str(&text_of(&formed(SentFormat::JsonObject))).unwrap();
    let expected = json!({
        "answer": "A pot of tea costs four francs.",
        "citations": [{ "number": 1, "title": "hours.md" }],
    });
    assert_eq!(said, expected);
}

#[test]
fn a_schema_is_filled_as_far_as_texts_go() {
    let events = fitting(json!({
        "type": "object",
        "properties": {
            "summary": { "type": "string", "maxLength": 12 },
            "note": { "$ref": "#/$defs/note" },
            "sources": { "type": "array", "items": { "type": "string" } },
            "stars": { "type": "integer", "minimum": 1, "maximum": 5 },
            "drink": { "enum": ["coffee", "tea"] },
            "maybe": { "type": "number" },
            "either": { "anyOf": [{ "type": "null" }, { "type": "string" }] },
        },
        "required": ["summary", "note", "sources", "stars", "drink", "either"],
        "$defs": { "note": {
            "type": "object",
            "properties": { "text": { "type": ["string", "null"] } },
            "required": ["text"],
        } },
    }));
    let said: Value = serde_json::from_str(&text_of(&events)).unwrap();
    let expected = json!({
        "summary": "A pot of tea",
        "note": { "text": "A pot of tea costs four francs." },
        "sources": ["hours.md"],
        "stars": 1,
        "drink": "tea",
        "either": null,
    });
    assert_eq!(said, expected);
    assert_eq!(stop_of(&events).0, ChatStop::EndTurn);
}

#[test]
fn a_schema_without_room_for_a_text_is_declined() {
    for schema in [
        json!({ "type": "object", "properties": { "count": { "type": "integer" } } }),
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/nowhere" }),
        json!({}),
    ] {
        let events = fitting(schema.clone());
        assert_eq!(stop_of(&events).0, ChatStop::Refusal, "{schema}");
        assert!(events.iter().any(|event| matches!(event, ChatEvent::Refusal(_))), "{schema}");
    }
}

#[test]
fn what_it_would_answer_from_can_be_seen() {
    let body = body(&with_tool("Tea?"));
    assert_eq!((&body["question"], &body["tools"]), (&json!("Tea?"), &json!(["look_up"])));
    assert_eq!(body["passages"][1]["title"], "menu.md");
}
