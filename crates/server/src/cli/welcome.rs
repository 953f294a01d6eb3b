//! What a start prints: the address and, the first time, how to begin.

use std::fmt::Write;

use understudy_domain::TokenText;

/// How the first administrator gets the token.
pub(super) enum FirstToken<'a> {
    /// It was generated, and this is the one time that it is shown.
    Shown(&'a TokenText),
    /// The operator chose it and has it.
    Chosen,
}

/// The text of the first start.
pub(super) fn first(url: &str, token: &FirstToken<'_>) -> String {
    let (said, value) = match token {
        FirstToken::Shown(token) => {
            ("its API token, shown this once, is in the first line below", token.expose().as_str())
        }
        FirstToken::Chosen => {
            ("its API token is the one you chose", "\"$UNDERSTUDY_BOOTSTRAP_TOKEN\"")
        }
    };
    let mut text = format!(
        "Understudy listens on {url}\n\n\
         This is its first start. It made an administrator; {said}.\n\
         Make an assistant; give it a file and ask it something; draft a change; see the \
         difference, commit it and read the version:\n\n\
         export UNDERSTUDY_TOKEN={value}\n"
    );
    for line in curl_lines(url) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(text, "\nEverything it does is described on {url}/docs");
    text
}

/// The text of every later start.
pub(super) fn later(url: &str) -> String {
    format!(
        "Understudy listens on {url}\n\
         Make a token with: understudy token create --user ADDRESS"
    )
}

fn curl_lines(url: &str) -> [String; 4] {
    let request = |path: &str, rest: &str| {
        let auth = "-H \"Authorization: Bearer $UNDERSTUDY_TOKEN\"";
        format!("-sS -w '\\n' {auth} {url}/api/assistants{path}{rest}")
    };
    let json = "-H 'Content-Type: application/json'";
    let create = request(
        "",
        &format!(
            " {json} -d '{{\"name\":\"Guide\",\"instructions\":\"Answer in one sentence.\"}}'"
        ),
    );
    let upload = request("/guide/files/_upload", " -F 'file=@-;filename=museum.md'");
    let ask = request(
        "/guide/responses",
        &format!(" -N {json} -d '{{\"input\":\"What does a ticket cost?\"}}'"),
    );
    let edit = request("/guide/_edit", " -X POST");
    let change = request(
        "/guide/draft",
        &format!(" -X PATCH {json} -d '{{\"instructions\":\"Answer in two sentences.\"}}'"),
    );
    let diff = request("/guide/draft/_diff", "");
    let commit =
        request("/guide/draft/_commit", &format!(" {json} -d '{{\"message\":\"Say more\"}}'"));
    let version = request("/guide/versions/3", "");
    [
        format!("curl {create}"),
        format!("echo 'Tickets cost 12 francs. We open at ten.' | curl {upload} --next {ask}"),
        format!("curl {edit} --next {change}"),
        format!("curl {diff} --next {commit} --next {version}"),
    ]
}
