//! The whole OpenAPI document, held against the running service by a program that
//! we did not write: Schemathesis makes thousands of requests of it, right and
//! wrong ones, and finds answers that the document does not have.

use std::process::Command;

use understudy_tests::tools;

use crate::support::{Server, directory, finish, understudy};

const TOKEN: &str = "ust_token-of-the-first-administrator-012";

/// What it must not find: a fault of the server, a status, media type, header or
/// body that the document does not have.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance";

/// Teaches it the media type of tus.
const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/contract_hooks.py");

#[test]
fn no_answer_is_other_than_the_document_says() {
    let folder = directory();
    let mut command = understudy(folder.path(), &["--listen", "127.0.0.1:0", "--log", "error"]);
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", TOKEN);
    let server = Server::spawn(command);

    let mut schemathesis = Command::new(tools::python_tool("schemathesis"));
    schemathesis
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", HOOKS)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["run", &format!("{}/openapi.json", server.url)])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "5", "--seed", "1", "--no-shrink", "--warnings", "off"])
        // A stream has no end to wait for.
        .args(["--request-timeout", "20"]);
    let said = finish(&mut schemathesis, "");

    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains(" generated"), "{}", said.stdout);
}
