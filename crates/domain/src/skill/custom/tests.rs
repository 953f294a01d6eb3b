#![expect(clippy::needless_pass_by_value, reason = "tests read better with values in place")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const ORIGIN: &str = "https://api.example.com";

fn with(changes: Value) -> Map<String, Value> {
    let mut data = json!({
        "method": "POST",
        "url": "https://api.example.com/orders/{{id}}",
        "inputSchema": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "note": {"type": "string"}},
        },
    });
    json_patch::merge(&mut data, &changes);
    data.as_object().unwrap().clone()
}

fn told(changes: Value) -> Vec<(String, &'static str)> {
    let (here, elsewhere) = ([ORIGIN.to_owned()], ["https://other.example".to_owned()]);
    let secrets = [
        Usable { name: "KEY", origins: &here },
        Usable { name: "FOREIGN", origins: &elsewhere },
        Usable { name: "NOWHERE", origins: &[] },
    ];
    let found = faults(&with(changes), &secrets);
    found.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

#[test]
fn inputs_may_stand_in_path_query_headers_and_body_and_secrets_in_the_latter_two() {
    let changes = json!({
        "url": "https://api.example.com/orders/{{id}}?note={{ input.note }}",
        "query": {"q": "a {{note}} b"},
        "headers": {"Authorization": "Bearer {{secrets.KEY}}", "X-Note": "{{note}}"},
        "body": {"deep": [{"note": "{{note}}", "key": "{{secrets.KEY}}"}], "n": 1},
    });

    assert_eq!(told(changes), []);
}

#[test]
fn a_secret_in_an_address_is_refused() {
    let in_path = json!({"url": "https://api.example.com/{{secrets.KEY}}"});
    assert_eq!(told(in_path), one("/data/url", "secret_in_url"));
    let in_query = json!({"query": {"key": "{{secrets.KEY}}"}});
    assert_eq!(told(in_query), one("/data/query/key", "secret_in_url"));
}

#[test]
fn no_placeholder_decides_where_a_request_goes() {
    for url in [
        "{{id}}",
        "{{id}}://api.example.com/",
        "https://{{id}}/",
        "https://{{id}}",
        "https:///{{id}}/",
        "https:\\\\{{id}}/",
        "https:{{id}}",
        "https://api.example.com{{id}}",
        "https://api.example.com:{{id}}/",
        "https://{{id}}@api.example.com/",
        "https://api.{{id}}.com/",
    ] {
        assert_eq!(told(json!({"url": url})), one("/data/url", "placeholder_in_host"), "{url}");
    }
}

#[test]
fn an_address_is_absolute_and_safe() {
    for url in [
        "/orders",
        "http://api.example.com/",
        "ftp://api.example.com/",
        "https://user:password@api.example.com/",
        "https://api.example.com/#{{id}}",
        "https://api.example.com/a b",
        "https://*.example.com/",
    ] {
        assert_eq!(told(json!({"url": url})), one("/data/url", "url"), "{url}");
    }
    for url in ["http://localhost:8080/x", "http://10.0.0.1/", "http://erp/x", "https://a.b?{{id}}"]
    {
        assert_eq!(told(json!({"url": url})), [], "{url}");
    }
}

#[test]
fn an_unknown_placeholder_is_told_with_the_nearest_known() {
    let data = with(json!({"headers": {"X": "{{secrets.KEI}}"}, "body": "{{note2}}"}));
    let origins = [ORIGIN.to_owned()];
    let found = faults(&data, &[Usable { name: "KEY", origins: &origins }]);

    let told: Vec<_> = found.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
    let expected =
        [("/data/headers/X", "unknown_placeholder"), ("/data/body", "unknown_placeholder")];
    assert_eq!(told, expected);
    assert!(found[0].message.contains("did you mean `{{secrets.KEY}}`?"), "{}", found[0].message);
    assert!(found[1].message.contains("did you mean `{{note}}`?"), "{}", found[1].message);
}

#[test]
fn a_secret_goes_only_where_it_was_given_for() {
    for name in ["FOREIGN", "NOWHERE"] {
        let changes = json!({"headers": {"X-Key": format!("{{{{secrets.{name}}}}}")}});
        assert_eq!(told(changes), one("/data/headers/X-Key", "secret_origin"));
    }
    let other_port = json!({
        "url": "https://api.example.com:8443/",
        "body": "{{secrets.KEY}}",
    });
    assert_eq!(told(other_port), one("/data/body", "secret_origin"));
}

#[test]
fn headers_that_carry_the_message_are_refused() {
    let names = [
        "Host",
        "cookie",
        "Content-Length",
        "TRANSFER-ENCODING",
        "Connection",
        "Proxy-Authorization",
    ];
    for name in names {
        let at = format!("/data/headers/{name}");
        assert_eq!(told(json!({"headers": {name: "x"}})), one(&at, "header"), "{name}");
    }
    let bare = json!({"headers": {"authorization": "Bearer abc"}});
    assert_eq!(told(bare), one("/data/headers/authorization", "credential"));
    let split = json!({"headers": {"X-A": "a\r\nHost: b"}});
    assert_eq!(told(split), one("/data/headers/X-A", "pattern"));
    let twice = json!({"headers": {"X-A": "1", "x-a": "2"}});
    assert_eq!(told(twice), one("/data/headers/x-a", "duplicate_item"));
}

#[test]
fn what_the_model_gives_is_described_by_a_schema_of_an_object() {
    let text =
        json!({"url": "https://a.b/", "inputSchema": {"type": "string", "properties": null}});
    assert_eq!(told(text), one("/data/inputSchema", "invalid_schema"));
    let wrong = json!({"inputSchema": {"required": 1}});
    assert_eq!(told(wrong), one("/data/inputSchema", "invalid_schema"));
}

#[test]
fn a_body_fits_its_method_and_its_keys_are_plain() {
    assert_eq!(told(json!({"method": "GET", "body": "x"})), one("/data/body", "contradiction"));
    let key = json!({"body": {"{{id}}": 1}});
    assert_eq!(told(key), one("/data/body/{{id}}", "placeholder"));
    assert_eq!(told(json!({"body": "{{id"})), one("/data/body", "placeholder"));
}

#[test]
fn every_method_but_get_needs_approval_unless_told_otherwise() {
    let approval = |changes| Custom::read(&with(changes)).unwrap().requires_approval();

    assert!(!approval(json!({"method": "GET"})));
    assert!(approval(json!({"method": "DELETE"})));
    assert!(!approval(json!({"method": "DELETE", "requireApproval": false})));
    assert!(approval(json!({"method": "GET", "requireApproval": true})));
}

#[test]
fn the_defaults_of_the_code_are_those_of_the_schema() {
    let custom = Custom::read(&with(json!({}))).unwrap();
    let schema = crate::skill::schema(crate::assistant::content::SkillType::Custom);

    let default = |name: &str| schema["properties"][name]["default"].as_u64().unwrap();
    assert_eq!(u64::from(custom.timeout_seconds), default("timeoutSeconds"));
    assert_eq!(u64::from(custom.max_response_bytes), default("maxResponseBytes"));
}

proptest! {
    /// Whatever the placeholders stand for, the request goes to the origin that was
    /// judged.
    #[test]
    fn what_is_put_in_place_of_a_placeholder_leaves_the_origin(
        url in "https?:/{0,3}[a{}:/?@\\\\.-]{0,12}\\{\\{id\\}\\}[a{}/?]{0,5}",
        value in "[a-z:/@?\\\\.]{0,10}",
    ) {
        let data = with(json!({"url": url}));
        if faults(&data, &[]).is_empty() {
            let judged = address(Template::parse(&url).unwrap().parts()).unwrap();
            let template = Template::parse(&url).unwrap();
            let filled: String = template.parts().iter().map(|part| match part {
                Part::Text(text) => *text,
                Part::Input(_) | Part::Secret(_) => value.as_str(),
            }).collect();
            let real = Url::parse(&filled).unwrap();
            prop_assert_eq!(origin_of(&real), origin_of(&judged), "{}", filled);
        }
    }
}
