//! The provider and the service by turns.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::stage::{Dialect, Stage, chat};
use crate::{
    rounds::{median, number},
    talk::{Asker, Manner, OPEN, Talk, Talked},
    upstream::Speech,
};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How many turns each one has.
    pub(super) rounds: u32,
    /// How long before anything counts.
    pub(super) warm_up: Duration,
    /// How long it counts.
    pub(super) run: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// How many streams at a time.
    pub(super) streams: u32,
    /// What each is to be.
    pub(super) speech: Speech,
    /// How they are asked for.
    pub(super) manner: Manner,
}

/// What a turn showed, or the medians of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken {
    /// Half of the first tokens took no longer, in milliseconds.
    pub(super) median: f64,
    /// 99 of 100 took no longer.
    pub(super) p99: f64,
    /// Tokens a second.
    pub(super) tokens_a_second: f64,
    /// Answers a second.
    pub(super) answers_a_second: f64,
    /// Processor time of an answer in milliseconds.
    pub(super) processor: f64,
    /// The same, shared by its tokens.
    pub(super) processor_of_token: f64,
}

/// Gives the provider and the service their turns; returns their medians.
pub(super) async fn alternate(
    stage: &Stage,
    dialect: Dialect,
    wish: &Wish,
    pace: Pace,
) -> Result<[Spoken; 2]> {
    let [provider, service] = stage.askers(dialect);
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for _ in 0..pace.rounds {
        let talk = |address: &str, askers: &[Asker], body: String, before: &str| Talk {
            address: address.to_owned(),
            streams: wish.streams,
            askers: askers.to_vec(),
            body,
            before: before.to_owned(),
            manner: wish.manner,
            warm_up: pace.warm_up,
            run: pace.run,
        };
        let body = chat("bench", wish.speech);
        let before = Dialect::Openai.before();
        let asked = talk(&stage.upstream.address, &provider, body, before);
        direct.push(turn(stage, &asked, wish).await?);
        let body = stage.question(dialect, wish.speech);
        let asked = talk(&stage.server.address, &service, body, dialect.before());
        through.push(turn(stage, &asked, wish).await?);
    }
    Ok([medians(&direct), medians(&through)])
}

async fn turn(stage: &Stage, talk: &Talk, wish: &Wish) -> Result<Spoken> {
    let family = stage.server.family()?;
    let before = family.processor_time()?;
    let talked = Generator::start(talk, &stage.place.folder)?.outcome().await?;
    let spent = number(family.processor_time()? - before) / 1_000.0;
    ensure!(talked.failed == 0, "streams broke: {:?}", talked.failure);
    let processor = spent / number(talked.all_answers.max(1));
    Ok(Spoken {
        median: f64::from(talked.median) / 1_000.0,
        p99: f64::from(talked.p99) / 1_000.0,
        tokens_a_second: number(talked.tokens) / talked.seconds,
        answers_a_second: number(talked.answers) / talked.seconds,
        processor,
        processor_of_token: processor / f64::from(wish.speech.tokens),
    })
}

fn medians(turns: &[Spoken]) -> Spoken {
    let middle = |of: fn(&Spoken) -> f64| median(turns.iter().map(of).collect());
    Spoken {
        median: middle(|turn| turn.median),
        p99: middle(|turn| turn.p99),
        tokens_a_second: middle(|turn| turn.tokens_a_second),
        answers_a_second: middle(|turn| turn.answers_a_second),
        processor: middle(|turn| turn.processor),
        processor_of_token: middle(|turn| turn.processor_of_token),
    }
}

/// A generator of streams at work.
pub(super) struct Generator {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Generator {
    /// Starts it; its plan lies in `folder`.
    pub(super) fn start(talk: &Talk, folder: &Path) -> Result<Self> {
        let number = std::fs::read_dir(folder)?.count();
        let file = folder.join(format!("talk-{number}.json"));
        std::fs::write(&file, serde_json::to_vec(talk)?)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("talk").arg(&file).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn()?;
        let output = child.stdout.take().context("a generator has no output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    /// Waits until all its streams are open, of one that only holds them.
    pub(super) async fn opened(&mut self) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line).await?;
        ensure!(line.trim() == OPEN, "a generator does not open its streams");
        Ok(())
    }

    /// Waits until it is done.
    pub(super) async fn outcome(mut self) -> Result<Talked> {
        let mut text = String::new();
        self.output.read_to_string(&mut text).await?;
        if !self.child.wait().await?.success() {
            bail!("a generator of streams failed");
        }
        let outcome = text.lines().last().context("a generator says nothing")?;
        Ok(serde_json::from_str(outcome)?)
    }
}
