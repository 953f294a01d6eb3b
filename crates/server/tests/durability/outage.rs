//! The database goes away and comes back; the service stays and recovers.

use std::net::SocketAddr;

use serde_json::json;

use crate::{
    Place, ask,
    proxy::Proxy,
    support::{Server, directory, understudy},
};

/// More tries than a recovery needs; each waits for the pool's own limits.
const TRIES: usize = 50;

#[test]
fn postgres_away_means_503_with_retry_after_and_back_means_back() {
    let place = Place::postgres();
    let Place::Postgres(database) = &place else { unreachable!("made above") };
    let mut url = url::Url::parse(database.url()).unwrap();
    let target = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
    let proxy = Proxy::to(target);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let directory = directory();
    let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0"]);
    command.env("UNDERSTUDY_DATABASE_URL", url.as_str());
    let mut server = Server::spawn(command);
    let token = server.first_token();
    let ask = |method: &str, path: &str, body: &str| ask(&server.url, &token, method, path, body);
    let input = json!({"name": "before"}).to_string();
    let made = ask("POST", "/api/assistants", &input).unwrap();
    let path = format!("/api/assistants/{}", made.body["id"].as_str().unwrap());

    proxy.cut();
    for (method, path, body) in [
        ("GET", path.as_str(), ""),
        ("GET", "/api/assistants", ""),
        ("PATCH", path.as_str(), r#"{"instructions":"lost"}"#),
        ("GET", "/readyz", ""),
    ] {
        let answer = ask(method, path, body).unwrap();
        assert_eq!(answer.status, 503, "{method} {path}: {answer:?}");
        assert!(answer.head.contains("\r\nretry-after:"), "{method} {path}: {answer:?}");
    }
    assert_eq!(ask("GET", "/healthz", "").unwrap().status, 200);

    proxy.mend();
    let back = (0..TRIES).find_map(|_| {
        let answer = ask("GET", &path, "").unwrap();
        (answer.status == 200).then_some(answer)
    });
    let back = back.expect("the service finds its database again");
    assert_eq!(back.body["instructions"], "");
    let answer = ask("PATCH", &path, r#"{"instructions":"kept"}"#).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}
