//! How large the service is, and how long it takes to start.

use std::{path::Path, time::Duration};

use anyhow::Result;
use tokio::time::sleep;

use super::scene::Scene;
use crate::{
    machine,
    report::Report,
    rounds::{median, number},
    system::Server,
};

/// How many starts are measured.
const STARTS: usize = 11;

/// How long a server has nothing to do before it counts as idle.
const REST: Duration = Duration::from_secs(2);

/// Memory after work, then starts on the same data, and memory without work.
pub(crate) async fn measure(scene: Scene, report: &mut Report) -> Result<()> {
    let Scene { kind, count, server, place, .. } = scene;
    let after_work = mebibytes(machine::resident_kib(server.id()?)?);
    server.stop().await?;
    let mut starts = Vec::new();
    let mut idle = Vec::new();
    for start in 0..STARTS {
        let server = Server::start(&place).await?;
        starts.push(server.started_in.as_secs_f64() * 1_000.0);
        // One look at its memory is enough: it does not differ between starts.
        if start == 0 {
            sleep(REST).await;
            idle.push(mebibytes(machine::resident_kib(server.id()?)?));
        }
        server.stop().await?;
    }
    let name = kind.name();
    let start = format!("{:.0} ms", median(starts));
    report.size(&format!("start to ready, {name}, {count} assistants"), start, "≤ 50 ms");
    let idle = format!("{:.1} MiB", median(idle));
    report.size(&format!("resident memory idle, {name}"), idle, "≤ 40 MiB");
    let after_work = format!("{after_work:.1} MiB");
    report.size(&format!("resident memory after the work above, {name}"), after_work, "–");
    Ok(())
}

/// The size of the program.
pub(crate) fn binary(program: &Path, report: &mut Report) -> Result<()> {
    let kib = std::fs::metadata(program)?.len() / 1024;
    report.size("the program", format!("{:.1} MiB", mebibytes(kib)), "≤ 40 MiB");
    Ok(())
}

fn mebibytes(kib: u64) -> f64 {
    number(kib) / 1_024.0
}
