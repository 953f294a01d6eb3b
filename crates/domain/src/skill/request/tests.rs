#![expect(clippy::needless_pass_by_value, reason = "tests read better with values in place")]

use proptest::prelude::*;
use serde_json::json;
use url::Url;

use super::*;

const ORIGIN: &str = "https://api.example.com";

fn custom(changes: Value) -> Custom {
    let mut data = json!({
        "method": "POST",
        "url": "https://api.example.com/orders/{{id}}",
        "inputSchema": {
            "type": "object",
            "properties": {
                "id": {},
                "note": {"type": ["string", "null"]},
                "count": {"type": "integer", "maximum": 9},
            },
            "additionalProperties": false,
        },
    });
    json_patch::merge(&mut data, &changes);
    Custom::read(data.as_object().unwrap()).unwrap()
}

/// One secret, for one origin.
fn secrets(name: &str, origin: &str) -> Result<Secret<String>, String> {
    match (name, origin) {
        ("KEY", ORIGIN) => Ok(Secret::new("sesame".to_owned())),
        _ => Err(format!("`{name}` is not for {origin}")),
    }
}

fn made(changes: Value, input: Value) -> Result<ActionRequest, SkillFault> {
    request(&custom(changes), input.as_object().unwrap(), &secrets)
}

fn url(changes: Value, input: Value) -> String {
    made(changes, input).unwrap().url
}

fn body(changes: Value, input: Value) -> (String, String) {
    let (kind, text) = made(changes, input).unwrap().body.unwrap();
    (kind, text.expose().clone())
}

#[test]
fn the_address_holds_what_was_given_as_values() {
    let path = url(json!({}), json!({"id": "a/b?c#d é%2e"}));
    assert_eq!(path, "https://api.example.com/orders/a%2Fb%3Fc%23d%20%C3%A9%252e");

    let changes = json!({
        "url": "https://api.example.com/x?a={{id}}",
        "query": {"b c": "{{note}}!", "d": "{{note}}", "e": "{{count}}"},
    });
    assert_eq!(
        url(changes.clone(), json!({"id": "1&z=2", "note": "+&=", "count": 3})),
        "https://api.example.com/x?a=1%26z%3D2&b%20c=%2B%26%3D%21&d=%2B%26%3D&e=3"
    );
    // What was not given is not asked for.
    assert_eq!(url(changes, json!({"id": true})), "https://api.example.com/x?a=true&b%20c=%21");
}

#[test]
fn a_value_that_would_be_a_step_of_the_path_is_refused() {
    for id in ["", ".", "..", "../admin", "a/../b", "a\\..\\b", "a\0b", "x/."] {
        let fault = made(json!({}), json!({"id": id})).unwrap_err();
        assert!(matches!(fault, SkillFault::Input(_)), "{id}: {fault}");
    }
    let halves = json!({"url": "https://api.example.com/{{id}}.{{note}}/x"});
    assert!(made(halves.clone(), json!({"id": "", "note": "."})).is_err());
    assert_eq!(url(halves, json!({"id": "a", "note": "b"})), "https://api.example.com/a.b/x");
    assert!(url(json!({}), json!({"id": "..."})).ends_with("/orders/..."));
    assert!(made(json!({}), json!({})).unwrap_err().to_string().contains("`id`"));
}

#[test]
fn what_does_not_fit_the_schema_is_told_to_the_model() {
    let told = made(json!({}), json!({"id": "1", "count": 10, "colour": 1})).unwrap_err();

    let SkillFault::Input(message) = told else { panic!("{told:?}") };
    assert!(message.contains("/count:") && message.contains("/colour:"), "{message}");
}

#[test]
fn headers_take_secrets_for_their_origins_and_never_line_breaks() {
    let headers = json!({"headers": {
        "Authorization": "Bearer {{secrets.KEY}}", "X-Note": "{{note}}", "X-Both": "<{{note}}>",
    }});
    let made_of = |input| {
        let request = made(headers.clone(), input).unwrap();
        let pairs = request.headers.iter();
        pairs.map(|(name, value)| format!("{name}: {}", value.expose())).collect::<Vec<_>>()
    };
    let with_note = made_of(json!({"id": 1, "note": "hi"}));
    assert_eq!(with_note, ["Authorization: Bearer sesame", "X-Both: <hi>", "X-Note: hi"]);
    let without = made_of(json!({"id": 1, "note": null}));
    assert_eq!(without, ["Authorization: Bearer sesame", "X-Both: <>"]);

    for note in ["a\r\nHost: b", "a\nb", "a\0"] {
        let fault = made(headers.clone(), json!({"id": 1, "note": note})).unwrap_err();
        assert!(matches!(fault, SkillFault::Input(_)), "{fault}");
    }
    let elsewhere = json!({
        "url": "https://api.example.com:8443/",
        "headers": {"Authorization": "{{secrets.KEY}}"},
    });
    let fault = made(elsewhere, json!({})).unwrap_err();
    let told = "`KEY` is not for https://api.example.com:8443".to_owned();
    assert_eq!(fault, SkillFault::Secret(told));
}

#[test]
fn a_body_of_json_takes_values_whole_and_texts_within() {
    let template = json!({"body": {
        "count": "{{count}}", "any": ["{{id}}", "{{note}}"], "text": "n={{count}} {{note}}",
        "key": "{{secrets.KEY}}", "gone": "{{note}}", "kept": 7,
    }});
    let (kind, text) = body(template, json!({"id": {"deep": [1]}, "count": 3}));

    assert_eq!(kind, "application/json");
    let expected = json!({
        "count": 3, "any": [{"deep": [1]}], "text": "n=3 ", "key": "sesame", "kept": 7,
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

#[test]
fn a_value_in_a_text_stays_one_value_of_its_media_type() {
    let typed = |kind: Option<&str>, template: &str| {
        let headers = kind.map(|kind| json!({"Content-Type": kind}));
        body(json!({"body": template, "headers": headers}), json!({"id": 1, "note": "\"&<a>=\n"}))
    };
    let (kind, text) = typed(None, "say {{note}}");
    assert_eq!((kind.as_str(), text.as_str()), ("text/plain; charset=utf-8", "say \"&<a>=\n"));
    let (kind, text) = typed(Some("application/json; charset=utf-8"), r#"{"n": "{{note}}"}"#);
    assert_eq!(kind, "application/json; charset=utf-8");
    assert_eq!(text, r#"{"n": "\"&<a>=\n"}"#);
    let (_, text) = typed(Some("application/x-www-form-urlencoded"), "n={{note}}&m=1");
    assert_eq!(text, "n=%22%26%3Ca%3E%3D%0A&m=1");
    let (_, text) = typed(Some("application/soap+xml"), "<n>{{note}}</n>");
    assert_eq!(text, "<n>&quot;&amp;&lt;a&gt;=\n</n>");
}

#[test]
fn settings_that_were_never_judged_are_refused() {
    for changes in [
        json!({"url": "https://{{id}}/"}),
        json!({"url": "https://api.example.com/{{secrets.KEY}}"}),
        json!({"query": {"k": "{{secrets.KEY}}"}}),
        json!({"headers": {"Host": "elsewhere"}}),
        json!({"headers": {"X": "{{"}}),
        json!({"inputSchema": {"required": 1}}),
    ] {
        let fault = made(changes.clone(), json!({"id": "1"})).unwrap_err();
        assert!(matches!(fault, SkillFault::Settings(_)), "{changes}: {fault:?}");
    }
}

#[test]
fn the_origin_and_the_secrets_of_a_skill_are_known_before_it_runs() {
    let changes = json!({
        "headers": {"A": "{{secrets.KEY}}"},
        "body": {"deep": ["x{{secrets.OTHER}}", "{{note}}"]},
    });

    let custom = custom(changes);
    assert_eq!(custom.origin().as_deref(), Some(ORIGIN));
    assert_eq!(custom.secrets().into_iter().collect::<Vec<_>>(), ["KEY", "OTHER"]);
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z./\\\\:@?#&=%2eF\t\r\n \0]{0,12}", "\\PC{0,12}", Just("..".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is given, the request goes where the settings say, to a path of the
    /// same form, with the same parameters.
    #[test]
    fn no_input_leads_a_request_elsewhere(
        path in "(/(a|\\{\\{id\\}\\}|b\\{\\{id\\}\\}|\\{\\{id\\}\\}\\{\\{note\\}\\}|\\{\\{id\\}\\}\\.)){1,3}/?(\\?q=\\{\\{note\\}\\}&r)?",
        id in texts(),
        note in texts(),
        with_query: bool,
    ) {
        let query = if with_query { json!({"s": "{{id}}-{{note}}"}) } else { json!({}) };
        let changes = json!({"url": format!("{ORIGIN}:8443{path}"), "query": query});
        let filler = json!({"id": "x", "note": "x"});
        let judged = Url::parse(&url(changes.clone(), filler)).unwrap();
        match made(changes, json!({"id": id, "note": note})) {
            Ok(request) => {
                let real = Url::parse(&request.url).unwrap();
                prop_assert_eq!(real.scheme(), judged.scheme());
                prop_assert_eq!(real.host(), judged.host());
                prop_assert_eq!(real.port(), judged.port());
                prop_assert!(real.username().is_empty() && real.password().is_none());
                prop_assert_eq!(real.fragment(), None);
                let segments = |url: &Url| url.path_segments().unwrap().map(str::is_empty).collect::<Vec<_>>();
                prop_assert_eq!(segments(&real), segments(&judged), "{}", request.url);
                let names = |url: &Url| url.query_pairs().map(|(name, _)| name.into_owned()).collect::<Vec<_>>();
                prop_assert_eq!(names(&real), names(&judged), "{}", request.url);
                prop_assert_eq!(Url::parse(&request.url).unwrap().to_string(), request.url);
            }
            Err(fault) => prop_assert!(matches!(fault, SkillFault::Input(_)), "{:?}", fault),
        }
    }

    /// A value in a body of JSON stays within its place.
    #[test]
    fn no_input_changes_the_form_of_a_body(note in texts()) {
        let template = json!({"body": {"a": "<{{note}}>", "b": "{{note}}"}});
        let (_, text) = body(template, json!({"id": 1, "note": note}));
        let expected = json!({"a": format!("<{note}>"), "b": note});
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);

        let template = r#"{"a": "<{{note}}>"}"#;
        let headers = json!({"Content-Type": "application/json"});
        let (_, text) = body(json!({"body": template, "headers": headers}), json!({"id": 1, "note": note}));
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"a": format!("<{note}>")}));
    }
}
