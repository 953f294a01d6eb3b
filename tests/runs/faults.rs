//! Providers that fail, and what of it reaches whoever asks: one end, whatever was
//! said, and nothing left behind.

use futures_util::future::join_all;
use serde_json::json;
use understudy_domain::{
    Provider, RunEvent,
    chat::Protocol,
    run::{RunStatus, StopReason},
};
use understudy_models::Timeouts;
use understudy_testkit::{Cut, Fault, Hang, ModelUpstream, Tap, Trouble, Turn};

use crate::stage::{Plan, Ran, SHORT, Stage, WIRES, asking, base, me, provider};

/// Two providers of the same model: the first misbehaves, the second does not.
struct Pair {
    stage: Stage,
    second: ModelUpstream,
    assistant: String,
}

impl Pair {
    async fn of(protocol: Protocol) -> Self {
        Self::with(protocol, Timeouts::default()).await
    }

    /// With little patience for who falls silent.
    async fn hasty(protocol: Protocol) -> Self {
        let timeouts = Timeouts { first_byte: SHORT, idle: SHORT, ..Timeouts::default() };
        Self::with(protocol, timeouts).await
    }

    async fn with(protocol: Protocol, timeouts: Timeouts) -> Self {
        let (first, second) =
            (ModelUpstream::start().await.unwrap(), ModelUpstream::start().await.unwrap());
        second.answer_usually(Turn::text("From the second."));
        let model = base(protocol)["default_model_key"].as_str().unwrap().to_owned();
        let other = provider(2, Protocol::CompatibleChat, &second);
        let other = Provider { models: vec![model], ..other };
        let plan = Plan { timeouts, ..Plan::of(vec![provider(1, protocol, &first), other]) };
        let stage = Stage::set(first, plan).await;
        let assistant = stage.assistant(base(protocol)).await;
        Self { stage, second, assistant }
    }

    async fn ask(&self) -> Ran {
        let ran = self.stage.ask(&self.assistant, "Hello?").await;
        self.stage.close().await;
        self.second.closed().await;
        ran
    }
}

fn limited(retry_after: Option<u64>) -> Fault {
    Fault::Status { status: 429, retry_after, body: String::new() }
}

/// How many events of a stream come until the first text was told.
fn until_text(protocol: Protocol) -> usize {
    match protocol {
        Protocol::OpenaiResponses => 5,
        Protocol::AnthropicMessages => 4,
        Protocol::OpenaiChat | Protocol::CompatibleChat => 2,
        Protocol::OllamaChat | Protocol::Builtin => 1,
    }
}

fn counting() -> Turn {
    Turn::chunks(["one ", "two ", "three ", "four"])
}

/// The first provider fails so before it says anything, and the second answers.
async fn replaced(pair: Pair, fault: Fault, times: usize) {
    pair.stage.upstream.answer_usually(Turn::failing(fault.clone()));

    let ran = pair.ask().await;

    let what = format!("{fault:?} {:?}", ran.run.outcome);
    assert_eq!(ran.run.status, RunStatus::Completed, "{what}");
    assert_eq!((ran.text(), &*ran.shown()), ("From the second.", "From the second."));
    assert_eq!(ran.action("provider"), Some("substituted"), "{what}");
    assert_eq!(ran.run.outcome.provider.as_deref(), Some("openai-compatible"));
    assert_eq!(pair.stage.asked().len(), times, "{what}");
    assert_eq!(pair.second.requests().len(), 1, "{what}");
    assert_eq!(pair.stage.booked().await, (1, 19), "{what}");
}

#[tokio::test]
async fn who_does_not_begin_to_answer_is_asked_a_bounded_number_of_times_and_then_another() {
    for protocol in WIRES {
        for (fault, times) in [
            (limited(None), 3),
            (limited(Some(0)), 3),
            (limited(Some(60)), 1),
            (Fault::status(500), 3),
            (Fault::status(503), 3),
            (Fault::status(401), 1),
            (Fault::Garbage, 1),
            (Fault::CutAfter(Cut::Bytes(0)), 1),
            (Fault::ErrorEvent { after: 0, trouble: Trouble::Overloaded }, 1),
            (Fault::ErrorEvent { after: 0, trouble: Trouble::Internal }, 1),
        ] {
            Box::pin(replaced(Pair::of(protocol).await, fault, times)).await;
        }
    }
}

#[tokio::test]
async fn who_stays_silent_is_not_waited_for() {
    // All at once, for each takes its time.
    let silences = [Hang::BeforeHead, Hang::BeforeFirstEvent];
    let all = WIRES.into_iter().flat_map(|protocol| silences.map(|hang| (protocol, hang)));
    join_all(all.map(|(protocol, hang)| async move {
        Box::pin(replaced(Pair::hasty(protocol).await, Fault::Hang(hang), 1)).await;
    }))
    .await;
}

#[tokio::test]
async fn what_passes_is_not_told() {
    for protocol in WIRES {
        let pair = Pair::of(protocol).await;
        pair.stage.upstream.answer(Turn::failing(limited(Some(0))));
        pair.stage.upstream.answer(Turn::failing(Fault::status(500)));
        pair.stage.upstream.answer(counting());

        let ran = pair.ask().await;

        assert_eq!((ran.text(), ran.action("provider")), ("one two three four", None));
        assert!(pair.second.requests().is_empty());
        assert_eq!(pair.stage.booked().await, (1, 19));
    }
}

#[tokio::test]
async fn what_was_asked_wrongly_is_asked_nobody_else() {
    for protocol in WIRES {
        for status in [400, 413, 422] {
            let pair = Pair::of(protocol).await;
            pair.stage.upstream.answer_usually(Turn::failing(Fault::status(status)));

            let ran = pair.ask().await;

            assert_eq!(ran.failure(), Some("provider_failed"), "{protocol:?} {status}");
            assert_eq!(ran.run.outcome.stop_reason, Some(StopReason::Error));
            assert_eq!((pair.stage.asked().len(), pair.second.requests().len()), (1, 0));
            assert_eq!(pair.stage.booked().await, (0, 0));
        }
    }
}

/// The provider fails so after its first words, and nobody else is asked.
async fn broken_off(pair: Pair, fault: Fault, code: &str) {
    pair.stage.upstream.answer_usually(counting().with_fault(fault.clone()));

    let ran = pair.ask().await;

    let what = format!("{fault:?} {:?}", ran.run.outcome);
    assert_eq!(ran.failure(), Some(code), "{what}");
    assert_eq!((ran.text(), &*ran.shown()), ("one ", "one "), "{what}");
    assert_eq!((pair.stage.asked().len(), pair.second.requests().len()), (1, 0), "{what}");
    let usage = ran.run.outcome.usage;
    assert!(usage.output_tokens > 0 && usage.is_estimated, "{what}");
    assert_eq!(pair.stage.booked().await, (1, usage.total_tokens()), "{what}");
}

#[tokio::test]
async fn once_a_provider_has_begun_nobody_else_is_asked_and_what_it_said_stays() {
    for protocol in WIRES {
        let after = until_text(protocol);
        for (fault, code) in [
            (Fault::CutAfter(Cut::Events(after)), "provider_failed"),
            (Fault::ErrorEvent { after, trouble: Trouble::Overloaded }, "provider_busy"),
            (Fault::ErrorEvent { after, trouble: Trouble::Internal }, "provider_failed"),
        ] {
            Box::pin(broken_off(Pair::of(protocol).await, fault, code)).await;
        }
    }
    join_all(WIRES.map(|protocol| async move {
        let hang = Fault::Hang(Hang::AfterEvents(until_text(protocol)));
        Box::pin(broken_off(Pair::hasty(protocol).await, hang, "provider_timeout")).await;
    }))
    .await;
}

#[tokio::test]
async fn an_answer_without_its_end_is_a_failure_with_all_that_was_said() {
    for protocol in WIRES {
        let pair = Pair::of(protocol).await;
        pair.stage.upstream.answer_usually(counting().with_fault(Fault::MissingTerminal));

        let ran = pair.ask().await;

        assert_eq!(ran.failure(), Some("provider_failed"), "{protocol:?}");
        assert_eq!(ran.text(), "one two three four", "{protocol:?}");
        assert_eq!((pair.stage.asked().len(), pair.second.requests().len()), (1, 0));
        let total = ran.run.outcome.usage.total_tokens();
        assert_eq!(pair.stage.booked().await, (1, total));
    }
}

#[tokio::test]
async fn odd_streams_are_whole_answers_and_counted_once() {
    for protocol in WIRES {
        for fault in [
            Fault::SplitBytes(1),
            Fault::SplitBytes(7),
            Fault::DuplicateDone,
            Fault::TrailingGarbage,
            Fault::UnknownEvents,
        ] {
            let pair = Pair::of(protocol).await;
            let turn = Turn::chunks(["größer ", "als ", "🦑"]).with_fault(fault.clone());
            pair.stage.upstream.answer_usually(turn);

            let ran = pair.ask().await;

            let what = format!("{protocol:?} {fault:?}");
            assert_eq!(ran.run.status, RunStatus::Completed, "{what} {:?}", ran.run.outcome);
            assert_eq!((ran.text(), &*ran.shown()), ("größer als 🦑", "größer als 🦑"), "{what}");
            assert_eq!((pair.stage.asked().len(), pair.second.requests().len()), (1, 0));
            let usage = ran.run.outcome.usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (12, 7), "{what}");
            assert_eq!(pair.stage.booked().await, (1, 19), "{what}");
        }
    }
}

#[tokio::test]
async fn a_slow_answer_is_shown_as_it_comes() {
    for protocol in WIRES {
        let upstream = ModelUpstream::start().await.unwrap();
        let tap = Tap::shut();
        upstream.answer_usually(counting().with_fault(Fault::SlowDrip(tap.clone())));
        let providers = vec![provider(1, protocol, &upstream)];
        let stage = Stage::set(upstream, Plan::of(providers)).await;
        let assistant = stage.assistant(base(protocol)).await;
        let run = stage.start(&me(), &assistant, asking("Hello?")).await.unwrap();

        tap.let_through(until_text(protocol));
        let before = stage.until(&run, "response.content_delta").await;
        let is_over = before.iter().any(RunEvent::is_terminal);
        tap.open();
        let ran = stage.end_of(&run).await;

        assert!(!is_over, "{protocol:?}");
        assert_eq!(before.last().unwrap().data.text("delta"), Some("one "));
        assert_eq!(ran.shown(), "one two three four");
        stage.close().await;
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_replaced() {
    let gone = ModelUpstream::start().await.unwrap();
    let first = provider(1, Protocol::OpenaiResponses, &gone);
    drop(gone);
    let second = ModelUpstream::start().await.unwrap();
    let other = provider(2, Protocol::CompatibleChat, &second);
    let stage = Stage::set(second, Plan::of(vec![first, other])).await;
    let assistant = stage.assistant(json!({})).await;

    let ran = stage.ask(&assistant, "Hello?").await;

    assert_eq!((ran.text(), ran.action("provider")), ("Hello.", Some("substituted")));
    stage.close().await;
}

#[tokio::test]
async fn where_all_fail_the_last_failure_is_told_once() {
    let pair = Pair::of(Protocol::AnthropicMessages).await;
    pair.stage.upstream.answer_usually(Turn::failing(Fault::status(500)));
    pair.second.answer_usually(Turn::failing(limited(Some(60))));

    let ran = pair.ask().await;

    assert_eq!((ran.failure(), ran.text()), (Some("provider_busy"), ""));
    assert_eq!((pair.stage.asked().len(), pair.second.requests().len()), (3, 1));
    assert_eq!(pair.stage.booked().await, (0, 0));
}

#[tokio::test]
async fn a_run_that_takes_too_long_lets_go_of_its_provider() {
    join_all(WIRES.map(|protocol| async move {
        let upstream = ModelUpstream::start().await.unwrap();
        let hang = Hang::AfterEvents(until_text(protocol));
        upstream.answer_usually(counting().with_fault(Fault::Hang(hang)));
        let plan = Plan::of(vec![provider(1, protocol, &upstream)]);
        let stage = Stage::set(upstream, Plan { deadline: SHORT, ..plan }).await;
        let assistant = stage.assistant(base(protocol)).await;

        let ran = stage.ask(&assistant, "Hello?").await;

        assert_eq!((ran.failure(), ran.text()), (Some("timeout"), "one "), "{protocol:?}");
        stage.upstream.wait_for_abandoned(1).await;
        stage.close().await;
        assert_eq!(stage.booked().await.0, 1);
    }))
    .await;
}
