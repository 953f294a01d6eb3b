//! Turns: whoever is compared works alternately, several times, so that what else
//! happens on the machine hits all of them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{
    load::{Outcome, Plan, Step},
    machine::{self, Family},
};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many turns each one has.
    pub(crate) rounds: u32,
    /// How long before anything counts.
    pub(crate) warm_up: Duration,
    /// How long it counts.
    pub(crate) run: Duration,
    /// How many work at the same time.
    pub(crate) connections: u32,
}

/// One that is measured.
pub(crate) struct Contender<'a> {
    work: Work,
    /// Whose processor time it is.
    families: Vec<Family>,
    folder: &'a Path,
}

enum Work {
    Requests {
        plan: Plan,
        sent: u64,
    },
    Program {
        command: Vec<OsString>,
    },
    /// One that is the database itself, so that its own time counts.
    Database {
        command: Vec<OsString>,
    },
}

/// What one turn showed, or the medians of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Iterations a second.
    pub(crate) rate: f64,
    /// Half took no longer, in milliseconds; of other programs the mean.
    pub(crate) median: f64,
    /// 99 of 100 took no longer; other programs do not tell.
    pub(crate) p99: Option<f64>,
    /// Processor time of an iteration in milliseconds.
    pub(crate) processor: f64,
}

impl<'a> Contender<'a> {
    /// A server that is asked over HTTP. `folder` takes a file of the generator.
    pub(crate) fn requests(
        folder: &'a Path,
        families: Vec<Family>,
        address: &str,
        headers: &[String],
        steps: Vec<Step>,
        ids: &[String],
    ) -> Self {
        let plan = Plan {
            address: address.to_owned(),
            connections: 1,
            warm_up: Duration::ZERO,
            run: Duration::ZERO,
            headers: headers.to_vec(),
            steps,
            ids: ids.to_vec(),
            first: 0,
        };
        Self { work: Work::Requests { plan, sent: 0 }, families, folder }
    }

    /// A program in the manner of `pgbench`: it gets `-c` and `-T`, and prints
    /// `latency average = … ms` and `tps = …`.
    pub(crate) fn program(folder: &'a Path, postmaster: Family, command: Vec<OsString>) -> Self {
        Self { work: Work::Program { command }, families: vec![postmaster], folder }
    }

    /// Such a program that holds the database within itself.
    pub(crate) fn database(folder: &'a Path, command: Vec<OsString>) -> Self {
        Self { work: Work::Database { command }, families: Vec::new(), folder }
    }

    async fn turn(&mut self, pace: Pace) -> Result<Figures> {
        let before = self.processor_time()?;
        let (outcome, all) = match &mut self.work {
            Work::Requests { plan, sent } => {
                plan.connections = pace.connections;
                plan.warm_up = pace.warm_up;
                plan.run = pace.run;
                plan.first = *sent;
                let outcome = generate(plan, self.folder).await?;
                *sent += outcome.all_iterations;
                let all = outcome.all_iterations;
                (Figures::of(&outcome), all)
            }
            Work::Program { command } | Work::Database { command } => {
                run_program(command, pace).await?
            }
        };
        let spent = self.processor_time()? - before;
        Ok(Figures { processor: number(spent) / 1_000.0 / number(all.max(1)), ..outcome })
    }

    fn processor_time(&self) -> Result<u64> {
        let families: u64 =
            self.families.iter().map(|family| family.processor_time()).sum::<Result<_>>()?;
        match self.work {
            Work::Database { .. } => Ok(families + machine::processor_time_of_ended()?),
            Work::Requests { .. } | Work::Program { .. } => Ok(families),
        }
    }
}

impl Figures {
    fn of(outcome: &Outcome) -> Self {
        Self {
            rate: number(outcome.iterations) / outcome.seconds,
            median: f64::from(outcome.median) / 1_000.0,
            p99: Some(f64::from(outcome.p99) / 1_000.0),
            processor: 0.0,
        }
    }

    fn medians(turns: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| median(turns.iter().map(of).collect());
        let told = turns.iter().all(|turn| turn.p99.is_some());
        Self {
            rate: middle(|turn| turn.rate),
            median: middle(|turn| turn.median),
            p99: told.then(|| middle(|turn| turn.p99.unwrap_or_default())),
            processor: middle(|turn| turn.processor),
        }
    }
}

/// Gives each contender its turns and returns their medians in the same order.
pub(crate) async fn alternate(
    contenders: &mut [Contender<'_>],
    pace: Pace,
) -> Result<Vec<Figures>> {
    let mut turns = vec![Vec::new(); contenders.len()];
    for _ in 0..pace.rounds {
        for (contender, turns) in contenders.iter_mut().zip(&mut turns) {
            turns.push(contender.turn(pace).await?);
        }
    }
    Ok(turns.iter().map(|turns| Figures::medians(turns)).collect())
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

async fn generate(plan: &Plan, folder: &Path) -> Result<Outcome> {
    let file: PathBuf = folder.join("plan.json");
    std::fs::write(&file, serde_json::to_vec(plan)?)?;
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("load").arg(file).kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("the load generator failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn run_program(command: &[OsString], pace: Pace) -> Result<(Figures, u64)> {
    let (program, arguments) = command.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(arguments).args(["-c", &pace.connections.to_string()]);
    command.args(["-T", &pace.run.as_secs().max(1).to_string()]);
    let output = command.kill_on_drop(true).output().await?;
    if !output.status.success() {
        bail!("the yardstick failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout)?;
    let told = |label: &str| -> Result<f64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(label));
        let value = rest.and_then(|rest| rest.split_whitespace().next());
        Ok(value.with_context(|| format!("the yardstick does not tell `{label}`"))?.parse()?)
    };
    let processed = told("number of transactions actually processed: ")?;
    let figures = Figures {
        rate: told("tps = ")?,
        median: told("latency average = ")?,
        p99: None,
        processor: 0.0,
    };
    Ok((figures, rounded(processed)))
}

/// A count as a number to calculate with.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts are below 2^52")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of transactions"
)]
const fn rounded(value: f64) -> u64 {
    value as u64
}
