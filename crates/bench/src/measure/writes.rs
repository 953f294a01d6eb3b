//! Create, update, commit.

mod script;

use std::ffi::OsString;

use anyhow::Result;

use super::{scene::Scene, tell};
use crate::{
    api::{self, Caller},
    load::Step,
    report::Report,
    rounds::{Contender, Pace, alternate},
};
use script::Script;

/// How many assistants are written to, so that writers rarely meet.
const TARGETS: usize = 1_000;

/// What the service is to reach of a database's rate for the same statements.
const GOAL: f64 = 0.4;

/// Measures all three.
pub(super) async fn measure(scene: &Scene, pace: Pace, report: &mut Report) -> Result<()> {
    let targets = make_targets(scene).await?;
    let script = Script::new(scene).await?;
    let document = api::assistant("Made {n}")?.to_string();
    let change = r#"{"description":"Change {n}"}"#;
    let path = |rest: &str| format!("/api/assistants/{{id}}{rest}");
    let rows = [
        ("create", script.create(), vec![Step::new("POST", "/api/assistants", &document, 201)]),
        ("update", script.update(), vec![Step::new("PUT", &path(""), change, 200)]),
        (
            "edit, change the draft, commit",
            script.commit(),
            vec![
                Step::new("POST", &path("/_edit"), "", 201),
                Step::new("PUT", &path("/draft"), change, 200),
                Step::new("POST", &path("/draft/_commit"), "{}", 200),
            ],
        ),
    ];
    for (work, statements, steps) in rows {
        tell(&format!("{}: {work}", scene.kind.name()));
        let mut contenders =
            [yardstick(scene, &statements)?, scene.contender_with(&scene.server, steps, &targets)?];
        if let [yardstick, service] = alternate(&mut contenders, pace).await?.as_slice() {
            report.speed(work, scene.kind.name(), GOAL, [*yardstick, *service]);
        }
    }
    Ok(())
}

/// Assistants of the member, made through the API.
async fn make_targets(scene: &Scene) -> Result<Vec<String>> {
    let mut caller = Caller::with_headers(&scene.server.address, &scene.member.headers).await?;
    let mut targets = Vec::with_capacity(TARGETS);
    for number in 0..TARGETS {
        let document = api::assistant(&format!("Target {number}"))?;
        let made = caller.call("POST", "/api/assistants", &document).await?;
        targets.push(api::text(&made, "id")?);
    }
    Ok(targets)
}

/// The same statements without the service: by `pgbench`, and on SQLite, which
/// has no such program, by a bare loop of this one.
fn yardstick<'a>(scene: &'a Scene, statements: &str) -> Result<Contender<'a>> {
    let file = scene.place.folder.join("script.sql");
    std::fs::write(&file, statements)?;
    let folder = &scene.place.folder;
    if let (Some(url), Some(postmaster)) = (&scene.place.database, scene.postmaster) {
        let pgbench = scene.postgres_bin.join("pgbench");
        let flags: [OsString; 4] = ["-n".into(), "-M".into(), "prepared".into(), "-f".into()];
        let command = [&[pgbench.into()], &flags[..], &[file.into(), url.into()]].concat();
        return Ok(Contender::program(folder, postmaster, command));
    }
    let command = vec![
        std::env::current_exe()?.into(),
        "statements".into(),
        "--sqlite".into(),
        scene.file().into(),
        "--script".into(),
        file.into(),
    ];
    Ok(Contender::database(folder, command))
}
