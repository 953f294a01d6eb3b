//! Runs that are stopped while their provider speaks.

use understudy_domain::{
    ports::Runner,
    run::{Interruption, RunStatus},
    usecases::runs::cancel_run,
};
use understudy_testkit::{Fault, Hang, Turn};

use crate::stage::{Stage, WIRES, asking, base, me};

#[tokio::test]
async fn whoever_stops_a_run_hangs_up_on_its_provider() {
    for (protocol, events) in WIRES.into_iter().zip([5, 2, 2, 4, 1]) {
        let stage = Stage::of(protocol).await;
        let hang = Fault::Hang(Hang::AfterEvents(events));
        stage.upstream.answer_usually(Turn::chunks(["one ", "two"]).with_fault(hang));
        let assistant = stage.assistant(base(protocol)).await;
        let run = stage.start(&me(), &assistant, asking("Hello?")).await.unwrap();
        stage.until(&run, "response.content_delta").await;

        let cancelled = cancel_run(stage.tasks.deps(), &me(), run.id).await.unwrap();
        let ran = stage.end_of(&run).await;

        assert_eq!(cancelled.run.status, RunStatus::Cancelled, "{protocol:?}");
        assert_eq!(ran.names().last(), Some(&"response.cancelled"));
        stage.upstream.wait_for_abandoned(1).await;
        stage.close().await;
        let (times, tokens) = stage.booked().await;
        assert_eq!((times, tokens), (1, ran.run.outcome.usage.total_tokens()));
        assert!(tokens > 0);
    }
}

#[tokio::test]
async fn a_server_that_stops_hangs_up_on_all_providers() {
    for (protocol, events) in WIRES.into_iter().zip([5, 2, 2, 4, 1]) {
        let stage = Stage::of(protocol).await;
        let hang = Fault::Hang(Hang::AfterEvents(events));
        stage.upstream.answer_usually(Turn::chunks(["one ", "two"]).with_fault(hang));
        let assistant = stage.assistant(base(protocol)).await;
        let run = stage.start(&me(), &assistant, asking("Hello?")).await.unwrap();
        stage.until(&run, "response.content_delta").await;

        stage.tasks.stop(run.id, Interruption::Interrupted);
        let ran = stage.end_of(&run).await;

        assert_eq!((ran.failure(), ran.text()), (Some("interrupted"), "one "), "{protocol:?}");
        stage.upstream.wait_for_abandoned(1).await;
        stage.close().await;
    }
}
