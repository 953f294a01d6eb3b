//! The load generator. It runs as a process of its own, so that its work is not
//! counted as anybody else's.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::client::{Answer, Connection, request, request_head};

/// What to send, where and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Host and port.
    pub(crate) address: String,
    /// How many connections work at the same time.
    pub(crate) connections: u32,
    /// How long before anything counts.
    pub(crate) warm_up: Duration,
    /// How long it counts.
    pub(crate) run: Duration,
    /// Sent with every request.
    pub(crate) headers: Vec<String>,
    /// What one iteration does, in this order.
    pub(crate) steps: Vec<Step>,
    /// Each iteration takes the next of these for `{id}`.
    pub(crate) ids: Vec<String>,
    /// The number of the first iteration, so that `{n}` is new in each run.
    pub(crate) first: u64,
}

/// One request. `{id}` and `{n}` stand for the iteration's id and number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The method.
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) path: String,
    /// The body; empty for none.
    pub(crate) body: String,
    /// How many bytes stand at `{filler}` in the body.
    pub(crate) filler: u64,
    /// The status that it must be answered with.
    pub(crate) status: u16,
}

impl Step {
    /// A request.
    pub(crate) fn new(method: &str, path: &str, body: &str, status: u16) -> Self {
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.to_owned());
        Self { method, path, body, filler: 0, status }
    }

    /// A request with a large body.
    pub(crate) fn filled(self, filler: u64) -> Self {
        Self { filler, ..self }
    }

    async fn carry_out<'a>(
        &self,
        connection: &'a mut Connection,
        headers: &[String],
        (id, n): (&str, u64),
    ) -> Result<Answer<'a>> {
        if self.filler == 0 {
            return connection.exchange(&self.bytes(headers, id, n)).await;
        }
        let (begin, end) = self.body.split_once("{filler}").unwrap_or((&self.body, ""));
        let length = self.filler + u64::try_from(begin.len() + end.len())?;
        let mut bytes = request_head(&self.method, &self.path, headers, length);
        bytes.extend_from_slice(begin.as_bytes());
        connection.exchange_filled([&bytes, end.as_bytes()], self.filler).await
    }

    fn bytes(&self, headers: &[String], id: &str, n: u64) -> Vec<u8> {
        let fill = |text: &str| text.replace("{id}", id).replace("{n}", &n.to_string());
        request(&self.method, &fill(&self.path), headers, &fill(&self.body))
    }
}

/// What came of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// How many iterations counted.
    pub(crate) iterations: u64,
    /// Also those of the warm-up.
    pub(crate) all_iterations: u64,
    /// How long they took.
    pub(crate) seconds: f64,
    /// Half of them took no longer, in microseconds.
    pub(crate) median: u32,
    /// 99 of 100 took no longer.
    pub(crate) p99: u32,
}

/// Carries out the plan in `file` and prints the outcome.
pub(crate) async fn run(file: &Path) -> Result<()> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(file)?)?;
    let outcome = serde_json::to_string(&carry_out(plan).await?)?;
    std::io::Write::write_all(&mut std::io::stdout(), outcome.as_bytes())?;
    Ok(())
}

async fn carry_out(plan: Plan) -> Result<Outcome> {
    let plan = Arc::new(plan);
    let number = Arc::new(AtomicU64::new(plan.first));
    let start = Instant::now();
    let (from, until) = (start + plan.warm_up, start + plan.warm_up + plan.run);
    let mut workers = Vec::new();
    for _ in 0..plan.connections {
        let (plan, number) = (Arc::clone(&plan), Arc::clone(&number));
        workers.push(tokio::spawn(async move { work(&plan, &number, from, until).await }));
    }
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await??);
    }
    taken.sort_unstable();
    let at = |part: usize| taken.get(taken.len() * part / 100).copied();
    Ok(Outcome {
        iterations: u64::try_from(taken.len())?,
        all_iterations: number.load(Ordering::Relaxed) - plan.first,
        seconds: plan.run.as_secs_f64(),
        median: at(50).context("nothing was finished in time")?,
        p99: at(99).context("nothing was finished in time")?,
    })
}

/// Iterates on one connection; returns how long each counted iteration took.
async fn work(plan: &Plan, number: &AtomicU64, from: Instant, until: Instant) -> Result<Vec<u32>> {
    let mut connection = Connection::open(&plan.address).await?;
    let mut taken = Vec::with_capacity(100_000);
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Ok(taken);
        }
        let n = number.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(n)? % plan.ids.len().max(1);
        let id = plan.ids.get(place).map_or("", String::as_str);
        for step in &plan.steps {
            let answer = step.carry_out(&mut connection, &plan.headers, (id, n)).await?;
            if answer.status != step.status {
                let body = String::from_utf8_lossy(answer.body);
                bail!("{} {} answers {}: {body}", step.method, step.path, answer.status);
            }
        }
        let ended = Instant::now();
        if begun >= from && ended <= until {
            taken.push(u32::try_from((ended - begun).as_micros())?);
        }
    }
}
