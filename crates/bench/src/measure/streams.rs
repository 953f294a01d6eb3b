//! Streamed answers: what the service adds to what comes straight from a provider.

mod crowd;
mod deaf;
mod stage;
mod turns;

use std::time::Duration;

use anyhow::Result;

use super::{Args, Kind, scene::Setting, tell};
use crate::{machine, report::Report, talk::Manner, upstream::Speech};
use stage::{Dialect, Stage};
use turns::{Pace, Spoken, Wish, alternate};

/// How long from one token to the next, of streams that are paced.
const TOKEN: Duration = Duration::from_millis(20);

const FULL: Pace = Pace { rounds: 3, warm_up: Duration::from_secs(1), run: Duration::from_secs(6) };
const QUICK: Pace =
    Pace { rounds: 1, warm_up: Duration::from_secs(1), run: Duration::from_secs(2) };

/// Measures all of it on the databases that are asked for.
pub(super) async fn measure(
    setting: &Setting,
    args: &Args,
    kinds: &[Kind],
    report: &mut Report,
) -> Result<()> {
    let pace = if args.quick { QUICK } else { FULL };
    for kind in kinds.iter().copied() {
        tell(&format!("{}: setting the stage for streams", kind.name()));
        let stage = Stage::set(setting, kind).await?;
        for dialect in [Dialect::Native, Dialect::Openai] {
            first_token(&stage, dialect, pace, report).await?;
            short_answers(&stage, dialect, pace, report).await?;
        }
        parallel(&stage, pace, report).await?;
        let stage = deaf::measure(stage, args.quick, report).await?;
        stage.end().await?;

        tell(&format!("{}: setting the stage for a crowd", kind.name()));
        let stage = Stage::set(setting, kind).await?;
        crowd::measure(&stage, args.quick, report).await?;
        stage.end().await?;
    }
    Ok(())
}

/// How the section was measured.
pub(super) fn method(args: &Args) -> String {
    let Pace { rounds, warm_up, run } = if args.quick { QUICK } else { FULL };
    format!(
        "The provider is a program of the bench that streams tokens at the pace it is asked for; \
         the service reaches it as `openai-compatible`, with a sealed key, for an assistant with \
         instructions, and keeps run, events and thread as it does by default. Direct is the same \
         provider asked by the same generator. Figures are medians of {rounds} turns of {} s after \
         {} s of warm-up, direct and service by turns. Provider, generator, database and service \
         share the processors. CPU is the service's own.",
        run.as_secs(),
        warm_up.as_secs(),
    )
}

async fn first_token(
    stage: &Stage,
    dialect: Dialect,
    pace: Pace,
    report: &mut Report,
) -> Result<()> {
    tell(&format!("{}: first token, {}", stage.kind.name(), dialect.name()));
    let speech = Speech::new(20, TOKEN);
    // An answer takes 0.4 s.
    let every = Duration::from_millis(800);
    let wish = Wish { streams: 24, speech, manner: Manner::Listen { every, over: every } };
    let [direct, service] = alternate(stage, dialect, &wish, pace).await?;
    let what = format!(
        "first token, {}: ms, median / p99; 24 streams that ask every 0.8 s ({:.0} answers a \
         second, so that the processors are not busy)",
        dialect.name(),
        service.answers_a_second,
    );
    let both = |of: &Spoken| format!("{:.1} / {:.1}", of.median, of.p99);
    let later =
        format!("+{:.1} / +{:.1}", service.median - direct.median, service.p99 - direct.p99);
    let figures = [both(&direct), both(&service), later];
    report.streams(&what, stage.kind.name(), figures, "≤ +2 / ≤ +8");
    let (median, p99) = machine::sync_times(&stage.place.folder)?;
    let sync = format!("{median:.1} / {p99:.1}");
    let what = "for comparison, a sync of this disk, of which a response waits for one before its \
                provider is asked: ms, median / p99";
    let none = || "–".to_owned();
    report.streams(what, stage.kind.name(), [sync, none(), none()], "–");
    Ok(())
}

/// As many answers of 20 tokens as can be had, each as fast as it can be.
async fn short_answers(
    stage: &Stage,
    dialect: Dialect,
    pace: Pace,
    report: &mut Report,
) -> Result<()> {
    tell(&format!("{}: short answers, {}", stage.kind.name(), dialect.name()));
    let speech = Speech::new(20, Duration::ZERO);
    let manner = Manner::Listen { every: Duration::ZERO, over: Duration::ZERO };
    let wish = Wish { streams: 8, speech, manner };
    let [direct, service] = alternate(stage, dialect, &wish, pace).await?;
    let rate = |of: &Spoken| format!("{:.0}", of.answers_a_second);
    let ratio = format!("{:.2}", service.answers_a_second / direct.answers_a_second);
    let what = format!("answers of 20 tokens a second, {}, 8 at a time", dialect.name());
    report.streams(&what, stage.kind.name(), [rate(&direct), rate(&service), ratio], "–");
    let what = format!("a short streamed answer (20 tokens), {}: ms of CPU", dialect.name());
    let figures = ["–".to_owned(), format!("{:.2}", service.processor), "–".to_owned()];
    report.streams(&what, stage.kind.name(), figures, "≤ 0.5");
    Ok(())
}

/// Tokens a second through 200 streams, at a pace and without one.
async fn parallel(stage: &Stage, pace: Pace, report: &mut Report) -> Result<()> {
    let paces = [(TOKEN, "50 tokens a second each", "≥ 0.9"), (Duration::ZERO, "unpaced", "–")];
    for (every, what, goal) in paces {
        tell(&format!("{}: 200 streams, {what}", stage.kind.name()));
        let over = if every.is_zero() { every } else { Duration::from_secs(4) };
        let manner = Manner::Listen { every: Duration::ZERO, over };
        let pace = Pace { warm_up: pace.warm_up + over, ..pace };
        let wish = Wish { streams: 200, speech: Speech::new(200, every), manner };
        let [direct, service] = alternate(stage, Dialect::Native, &wish, pace).await?;
        let rate = |of: &Spoken| format!("{:.0}", of.tokens_a_second);
        let ratio = format!("{:.2}", service.tokens_a_second / direct.tokens_a_second);
        let what = format!(
            "tokens a second, 200 streams of answers with 200 tokens, {what} ({:.3} ms of CPU a \
             token)",
            service.processor_of_token,
        );
        report.streams(&what, stage.kind.name(), [rate(&direct), rate(&service), ratio], goal);
    }
    Ok(())
}
