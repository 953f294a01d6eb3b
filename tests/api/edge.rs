//! What every answer has: identifier, safe headers, compression; and the routes
//! for operators and developers.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{App, Options, Person::Ada};

pub(crate) async fn every_answer_has_a_request_id(app: &App) {
    let ask = || app.anonymous(Method::GET, "/healthz");

    let own = ask().header("x-request-id", "caller-1.a:b").expect(200).await;
    assert_eq!(own.header("x-request-id"), "caller-1.a:b");
    for unfit in ["two words", "<script>", &"x".repeat(129), ""] {
        let made = ask().header("x-request-id", unfit).expect(200).await;
        assert_eq!(made.header("x-request-id").len(), 32, "{unfit}");
    }
    let (one, two) = (ask().expect(200).await, ask().expect(200).await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

pub(crate) async fn every_answer_has_safe_headers(app: &App) {
    for path in ["/api/assistants", "/api/none", "/healthz", "/openapi.json"] {
        let reply = app.get(Ada, path).send().await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(reply.header("server").is_empty());
        if path.starts_with("/api/") {
            assert_eq!(reply.header("cache-control"), "private, no-store", "{path}");
        }
    }
}

pub(crate) async fn json_is_compressed_as_the_caller_likes_it(app: &App) {
    let path = crate::assistants::made(
        app,
        json!({"name": "Support", "instructions": "x".repeat(20_000)}),
    )
    .await;
    let plain = app.get(Ada, &path).expect(200).await;
    assert_eq!(plain.header("content-encoding"), "");

    for (accept, used) in
        [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("gzip;q=0.1, zstd", "zstd")]
    {
        let packed = app.get(Ada, &path).header("accept-encoding", accept).expect(200).await;
        assert_eq!(packed.header("content-encoding"), used);
        assert!(packed.bytes.len() * 3 < plain.bytes.len(), "{used}: {}", packed.bytes.len());
        assert!(packed.header("vary").to_lowercase().contains("accept-encoding"));
    }
}

pub(crate) async fn a_live_server_says_so(app: &App) {
    for path in ["/healthz", "/readyz"] {
        let reply = app.anonymous(Method::GET, path).expect(200).await;
        assert_eq!(reply.body, json!({"status": "ok"}));
        app.anonymous(Method::HEAD, path).expect(200).await;
    }
    app.anonymous(Method::GET, "/metrics").refused(404, "not_found").await;
}

pub(crate) async fn a_server_that_is_not_ready_says_why(store: understudy_tests::TestStore) {
    let options = Options {
        ready: Some(Arc::new(|| Err("the schema is not up to date".to_owned()))),
        metrics: Some(Arc::new(|| "up 1\n".to_owned())),
        secure_cookies: true,
        ..Options::default()
    };
    let app = App::with(store, options).await;

    let unready = app.anonymous(Method::GET, "/readyz").refused(503, "unavailable").await;
    assert_eq!(unready.body["detail"], "the schema is not up to date");
    assert!(!unready.header("retry-after").is_empty());
    let metrics = app.anonymous(Method::GET, "/metrics").expect(200).await;
    assert_eq!(metrics.bytes, b"up 1\n");
    let body = json!({"email": Ada.email(), "password": crate::PASSWORD});
    let session = app.anonymous(Method::POST, "/api/session").json(&body).expect(200).await;
    assert!(session.header("set-cookie").contains("Secure"));
    app.stop().await;
}

pub(crate) async fn the_callers_trace_is_continued(store: understudy_tests::TestStore) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let options = Options {
        continue_trace: Some(Arc::new(move |_, context| {
            notes.lock().unwrap().push((context.parent.clone(), context.state.clone()));
        })),
        ..Options::default()
    };
    let app = App::with(store, options).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ask = |parent: &str| {
        app.anonymous(Method::GET, "/healthz")
            .header("traceparent", parent)
            .header("tracestate", "a=1")
    };

    ask(parent).expect(200).await;
    ask("junk").expect(200).await;

    assert_eq!(*seen.lock().unwrap(), [(parent.to_owned(), Some("a=1".to_owned()))]);
    app.stop().await;
}

pub(crate) async fn the_document_and_its_page_need_nothing_from_elsewhere(app: &App) {
    let document = app.anonymous(Method::GET, "/openapi.json").expect(200).await;
    assert_eq!(document.body["openapi"], "3.1.0");
    let root = app.anonymous(Method::GET, "/docs").expect(308).await;
    assert_eq!(root.header("location"), "docs/");

    let page = app.anonymous(Method::GET, "/docs/").expect(200).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let html = String::from_utf8(page.bytes).unwrap();
    let mut parts = 0;
    for attribute in ["src=\"", "href=\""] {
        for rest in html.split(attribute).skip(1) {
            let link = rest.split('"').next().unwrap();
            assert!(!link.contains("//"), "{link} is elsewhere");
            let path = format!("/docs/{}", link.trim_start_matches("./"));
            app.anonymous(Method::GET, &path).expect(200).await;
            parts += 1;
        }
    }
    assert!(parts >= 4);
    assert!(!html.contains("<script>"), "a script within the page would be refused by its policy");
    let start = app.anonymous(Method::GET, "/docs/swagger-initializer.js").expect(200).await;
    assert!(String::from_utf8(start.bytes).unwrap().contains("../openapi.json"));
    app.anonymous(Method::GET, "/docs/none.js").refused(404, "no_such_route").await;
}

pub(crate) async fn every_kind_of_problem_is_explained(app: &App) {
    let page = app.anonymous(Method::GET, "/problems").expect(200).await;
    let html = String::from_utf8(page.bytes).unwrap();
    let document = app.anonymous(Method::GET, "/openapi.json").expect(200).await;
    let codes = document.body["components"]["examples"].as_object().unwrap();

    assert!(codes.len() > 30);
    for code in codes.keys() {
        assert!(html.contains(&format!("id=\"{code}\"")), "{code}");
    }
}

pub(crate) async fn every_operation_but_the_open_ones_refuses_the_unknown(app: &App) {
    let document = app.anonymous(Method::GET, "/openapi.json").expect(200).await;
    let mut asked = 0;
    for (template, item) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] == Value::Null {
                continue;
            }
            let path =
                template.replace("{number}", "1").replace("{id}", "x").replace("{userId}", "y");
            let method: Method = method.to_uppercase().parse().unwrap();
            let reply = app.anonymous(method.clone(), &path).json(&json!({})).expect(401).await;
            assert!(!reply.header("www-authenticate").is_empty(), "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked > 40, "{asked} operations");
}
