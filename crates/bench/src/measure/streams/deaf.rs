//! Clients that ask for much and read nothing of it.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{
    stage::{Dialect, Stage},
    turns::Generator,
};
use crate::{
    machine,
    measure::tell,
    report::Report,
    rounds::number,
    talk::{Manner, Talk},
    upstream::Speech,
};

/// Clients at the same time.
const CLIENTS: u32 = 20;
/// How long they stay.
const STAY: Duration = Duration::from_secs(30);
/// How long before they go memory is looked at.
const LEAVE: Duration = Duration::from_secs(1);

/// How much memory there was beyond what there is without clients, in KiB.
struct Growth {
    most: u64,
    after: u64,
}

/// Measures it.
pub(super) async fn measure(mut stage: Stage, quick: bool, report: &mut Report) -> Result<Stage> {
    let mebibytes = if quick { 1 } else { 4 };
    let speech = Speech { tokens: mebibytes * 1_024, every: Duration::ZERO, bytes: 1_024 };
    tell(&format!("{}: clients that do not read", stage.kind.name()));
    let listening = Manner::Listen { every: STAY * 2, over: Duration::ZERO };
    let mut growths = Vec::new();
    for manner in [listening, Manner::Ignore] {
        // What one left behind does not serve the other.
        stage = stage.restart().await?;
        growths.push(grown(&stage, speech, manner).await?);
    }
    let what = format!(
        "a client that never reads its answer of {mebibytes} MiB: memory in KiB for each of \
         {CLIENTS}, at most / when the answers have ended (direct: one that reads)"
    );
    let of = |growth: Option<&Growth>| {
        let each = |kib: u64| number(kib) / f64::from(CLIENTS);
        growth.map_or_else(String::new, |growth| {
            format!("{:.0} / {:.0}", each(growth.most), each(growth.after))
        })
    };
    let figures = [of(growths.first()), of(growths.last()), "–".to_owned()];
    report.streams(&what, stage.kind.name(), figures, "bounded");
    Ok(stage)
}

async fn grown(stage: &Stage, speech: Speech, manner: Manner) -> Result<Growth> {
    let id = stage.server.id()?;
    let [_, askers] = stage.askers(Dialect::Native);
    let talk = Talk {
        address: stage.server.address.clone(),
        streams: CLIENTS,
        askers,
        body: stage.question(Dialect::Native, speech),
        before: Dialect::Native.before().to_owned(),
        manner,
        warm_up: Duration::ZERO,
        run: STAY,
    };
    // The first answer of all loads what later ones have.
    let first = Talk {
        streams: 1,
        body: stage.question(Dialect::Native, Speech::new(20, Duration::ZERO)),
        manner: Manner::Listen { every: STAY, over: Duration::ZERO },
        run: Duration::from_secs(1),
        ..talk.clone()
    };
    Generator::start(&first, &stage.place.folder)?.outcome().await?;
    let before = machine::resident_kib(id)?;
    let talking = Generator::start(&talk, &stage.place.folder)?;
    sleep(STAY.saturating_sub(LEAVE)).await;
    let after = machine::resident_kib(id)?;
    let most = machine::peak_kib(id)?;
    talking.outcome().await?;
    Ok(Growth { most: most.saturating_sub(before), after: after.saturating_sub(before) })
}
