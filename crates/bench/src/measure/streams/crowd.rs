//! Many streams at the same time, of which most are silent.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::sleep;

use super::{
    stage::{Dialect, Stage},
    turns::Generator,
};
use crate::{
    api::{self, Caller},
    machine,
    measure::tell,
    report::Report,
    rounds::number,
    talk::{Asker, Manner, Talk, Talked},
    upstream::Speech,
};

/// How many streams there are.
struct Crowd {
    speaking: u32,
    idle: u32,
    run: Duration,
}

const FULL: Crowd = Crowd { speaking: 1_000, idle: 5_000, run: Duration::from_secs(40) };
const QUICK: Crowd = Crowd { speaking: 100, idle: 500, run: Duration::from_secs(8) };
/// About as fast as people read.
const TOKEN: Duration = Duration::from_millis(200);
const ANSWER: u32 = 40;
/// How long the idle streams stay after those that speak.
const LONGER: Duration = Duration::from_secs(30);
/// A response that says one word and is silent then, but not for so long that its
/// provider counts as gone.
const SILENT: Speech = Speech::new(12, Duration::from_secs(50));

/// Measures it.
pub(super) async fn measure(stage: &Stage, quick: bool, report: &mut Report) -> Result<()> {
    let Crowd { speaking, idle, run } = if quick { QUICK } else { FULL };
    tell(&format!("{}: {speaking} speaking and {idle} idle streams", stage.kind.name()));
    let id = stage.server.id()?;
    let before = machine::resident_kib(id)?;
    let followers = followers(stage).await?;
    let folder = &stage.place.folder;
    let holding = Talk {
        address: stage.server.address.clone(),
        streams: idle,
        askers: followers,
        body: String::new(),
        before: Dialect::Native.before().to_owned(),
        manner: Manner::Hold,
        warm_up: Duration::ZERO,
        run: run + LONGER,
    };
    let mut held = Generator::start(&holding, folder)?;
    held.opened().await?;
    sleep(Duration::from_secs(3)).await;
    let silent = machine::resident_kib(id)?;

    let [_, askers] = stage.askers(Dialect::Native);
    let over = TOKEN * ANSWER;
    let speech = Talk {
        streams: speaking,
        askers,
        body: stage.question(Dialect::Native, Speech::new(ANSWER, TOKEN)),
        manner: Manner::Listen { every: Duration::ZERO, over },
        warm_up: over,
        run,
        ..holding
    };
    let spoken = Generator::start(&speech, folder)?.outcome().await?;
    let peak = machine::peak_kib(id)?;
    let held = held.outcome().await?;
    tell_memory(stage, [before, silent, peak], (speaking, idle), report);
    tell_answers(stage, &spoken, &held, (speaking, idle), report);
    Ok(())
}

fn tell_memory(
    stage: &Stage,
    [before, silent, peak]: [u64; 3],
    (speaking, idle): (u32, u32),
    report: &mut Report,
) {
    let mebibytes = |kib: u64| format!("{:.0}", number(kib) / 1_024.0);
    let what = format!("{speaking} speaking and {idle} idle streams: resident memory in MiB, most");
    let figures = [
        "–".to_owned(),
        mebibytes(peak),
        format!("{} before, {} with the idle ones", mebibytes(before), mebibytes(silent)),
    ];
    report.streams(&what, stage.kind.name(), figures, "≤ 200");
}

fn tell_answers(
    stage: &Stage,
    spoken: &Talked,
    held: &Talked,
    (speaking, idle): (u32, u32),
    report: &mut Report,
) {
    let name = stage.kind.name();
    let none = || "–".to_owned();
    if let Some(failure) = spoken.failure.as_ref().or(held.failure.as_ref()) {
        tell(&format!("the first failure: {failure}"));
    }
    let failed = (spoken.failed + held.failed).to_string();
    let what = format!("of these {} streams: failed", speaking + idle);
    report.streams(&what, name, [none(), failed, none()], "0");
    let milliseconds = |micros: u32| f64::from(micros) / 1_000.0;
    let first = format!("{:.1} / {:.1}", milliseconds(spoken.median), milliseconds(spoken.p99));
    let what = "first token among them: ms, median / p99";
    report.streams(what, name, [none(), first, none()], "–");
    let rate = number(spoken.tokens) / spoken.seconds;
    let due = f64::from(speaking) / TOKEN.as_secs_f64();
    let figures = [format!("{due:.0}"), format!("{rate:.0}"), format!("{:.2}", rate / due)];
    report.streams("tokens a second of those that speak, 5 each", name, figures, "–");
}

/// A response of each user that is silent, and how it is followed.
async fn followers(stage: &Stage) -> Result<Vec<Asker>> {
    let mut all = Vec::with_capacity(stage.users.len());
    for headers in &stage.users {
        let mut headers = headers.clone();
        headers.push("Prefer: respond-async".to_owned());
        let mut caller = Caller::with_headers(&stage.server.address, &headers).await?;
        let path = format!("/api/assistants/{}/responses", stage.assistant);
        let begun =
            caller.call("POST", &path, &json!({ "input": SILENT.wish(), "stream": false })).await?;
        let id = api::text(&begun, "id").context("a response has no id")?;
        headers.pop();
        all.push(Asker { path: format!("/api/responses/{id}/events"), headers });
    }
    Ok(all)
}
