//! Runs whose model calls tools of real MCP servers: which are offered, which need
//! approval, and what comes of servers that die.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understudy_testkit::{Fault, ModelUpstream, RecordedRequest, Tap, Turn};

use crate::{
    on_each_database,
    servers::{Everything, clock, clock_calls, clock_in, echo, freely, having, kill_clock, noon},
    service::{Heard, Kept, Service},
};

on_each_database! {
    tools_are_offered_and_called_and_answered_from,
    only_tools_that_are_allowed_are_offered_or_run,
    what_only_reads_needs_no_approval_where_that_is_said,
    an_approved_call_is_made_once_and_the_answer_goes_on,
    a_denied_call_is_not_made_and_the_model_is_told,
    a_server_may_restart_while_a_call_waits_for_approval,
    a_server_that_restarts_in_mid_run_is_called_as_if_it_had_not,
    a_program_that_dies_in_mid_run_is_started_again,
    a_server_that_is_gone_fails_its_call_and_is_told_of_in_later_runs,
    a_server_that_dies_in_mid_call_leaves_it_unknown_what_was_done,
}

const STARTED: &str = "response.tool_call.started";
const COMPLETED: &str = "response.tool_call.completed";
const FAILED: &str = "response.tool_call.failed";
const APPROVAL_REQUIRED: &str = "response.approval_required";

async fn start(kept: Kept) -> (Service, ModelUpstream) {
    let service = Service::configured(kept, clock_in).await;
    let upstream = service.recorded().await;
    (service, upstream)
}

/// What the model was asked so far.
fn asked(upstream: &ModelUpstream) -> Vec<RecordedRequest> {
    upstream.requests().into_iter().filter(|request| request.api.is_some()).collect()
}

/// Waits until the model was asked, which is when the tools are known.
async fn is_asked(upstream: &ModelUpstream) {
    let mut count = 1;
    while asked(upstream).is_empty() {
        upstream.wait_for(count).await;
        count += 1;
    }
}

/// The results that the model was told last.
fn told(upstream: &ModelUpstream) -> Vec<String> {
    asked(upstream).last().unwrap().tool_results()
}

/// The tools of the calls that events tell of.
fn tools<'a>(heard: &'a Heard, name: &str) -> Vec<&'a str> {
    let mut tools: Vec<_> =
        heard.all(name).into_iter().map(|event| event["tool"].as_str().unwrap()).collect();
    tools.sort_unstable();
    tools
}

fn is_completed(heard: &Heard, text: &str) {
    let last = heard.last();
    assert_eq!(
        (&last["event"], &last["status"]),
        (&json!("response.completed"), &json!("completed"))
    );
    assert_eq!(last["output_text"], text, "{heard:#?}");
}

fn waits(heard: &Heard) -> usize {
    let last = heard.last();
    assert_eq!(last["status"], "requires_approval", "{heard:#?}");
    assert_eq!(last["stop_reason"], "approval_required");
    let waiting = last["approvals"].as_array().unwrap().len();
    assert_eq!(heard.all(APPROVAL_REQUIRED).len(), waiting);
    waiting
}

/// Where the approval is of a call of this tool.
async fn approval(service: &Service, response: &str, tool: &str) -> String {
    let pending = service.pending(response).await;
    let (place, _) = pending.iter().find(|(_, approval)| approval["name"] == tool).unwrap();
    place.clone()
}

async fn tools_are_offered_and_called_and_answered_from(kept: Kept) {
    let everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let servers = having([everything.setting(freely()), clock(freely())]);
    let helper = service.assistant(servers).await;
    upstream.answer(echo().and_tool_call("clock__convert_time", noon()));
    upstream.answer(Turn::chunks(["It is ", "nine."]));

    let heard = service.ask(&helper, "When is noon in Tokyo?").await.end().await;

    is_completed(&heard, "It is nine.");
    assert_eq!(heard.text(), "It is nine.");
    let requests = asked(&upstream);
    let offered = requests[0].tools();
    for tool in ["every__echo", "every__get-sum", "every__toggle-simulated-logging"] {
        assert!(offered.contains(&tool), "{offered:?}");
    }
    assert!(offered.contains(&"clock__get_current_time"), "{offered:?}");
    assert!(requests[0].mentions("Echoes back the input"), "{}", requests[0].body);
    let results = told(&upstream);
    assert_eq!(results[0], "Echo: hi");
    assert!(results[1].contains("21:00"), "{results:?}");
    assert_eq!(clock_calls(&service), [("convert_time".to_owned(), noon())]);
    let both = ["clock__convert_time", "every__echo"];
    assert_eq!((tools(&heard, STARTED), tools(&heard, COMPLETED)), (both.into(), both.into()));
    let done = heard.last()["tool_calls"].as_array().unwrap();
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|call| call["success"] == true), "{done:#?}");
    let labels: BTreeSet<_> =
        done.iter().filter_map(|call| call["server_label"].as_str()).collect();
    assert_eq!(labels, ["clock", "every"].into());
}

async fn only_tools_that_are_allowed_are_offered_or_run(kept: Kept) {
    let everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let reading = json!({"requireApproval": "never", "allowedTools": {"readOnly": true}});
    let named = json!({"requireApproval": "never", "allowedTools": ["get_current_time"]});
    let helper = service.assistant(having([everything.setting(reading), clock(named)])).await;
    let hidden = Turn::tool_call("every__toggle-simulated-logging", json!({}));
    upstream.answer(hidden.and_tool_call("clock__convert_time", noon()));
    upstream.answer(Turn::text("I cannot."));

    let heard = service.ask(&helper, "Change something").await.end().await;

    is_completed(&heard, "I cannot.");
    let requests = asked(&upstream);
    let mut offered = requests[0].tools();
    assert!(offered.contains(&"every__echo") && offered.contains(&"every__get-sum"), "{offered:?}");
    for changing in ["gzip-file-as-resource", "toggle-simulated-logging", "simulate-research-query"]
    {
        assert!(!offered.contains(&format!("every__{changing}").as_str()), "{offered:?}");
    }
    offered.retain(|tool| tool.starts_with("clock__"));
    assert_eq!(offered, ["clock__get_current_time"]);
    assert_eq!(told(&upstream), ["There is no such tool."; 2]);
    assert_eq!(tools(&heard, FAILED).len(), 2);
    assert_eq!((tools(&heard, STARTED).len(), clock_calls(&service).len()), (0, 0));
}

async fn what_only_reads_needs_no_approval_where_that_is_said(kept: Kept) {
    let everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let careful = json!({"requireApproval": {"never": {"readOnly": true}}});
    let helper = service.assistant(having([everything.setting(careful)])).await;
    upstream.answer(echo().and_tool_call("every__toggle-simulated-logging", json!({})));

    let heard = service.ask(&helper, "Say hi, and begin to log").await.end().await;

    assert_eq!(waits(&heard), 1);
    assert_eq!(tools(&heard, COMPLETED), ["every__echo"]);
    let pending = service.pending(heard.response()).await;
    assert_eq!(pending[0].1["name"], "toggle-simulated-logging");
}

async fn an_approved_call_is_made_once_and_the_answer_goes_on(kept: Kept) {
    let everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let careful = json!({"requireApproval": {"never": {"toolNames": ["get_current_time"]}}});
    let servers = [everything.setting(json!({"requireApproval": "always"})), clock(careful)];
    let helper = service.assistant(having(servers)).await;
    let now = json!({"timezone": "UTC"});
    let calls = Turn::tool_call("clock__get_current_time", &now);
    let calls = calls.and_tool_call("clock__convert_time", noon());
    upstream.answer(calls.and_tool_call("every__echo", json!({"message": "hi"})));
    upstream.answer(Turn::text("It is nine."));
    let paused = service.ask(&helper, "When is noon in Tokyo?").await.end().await;

    assert_eq!(waits(&paused), 2);
    assert_eq!(tools(&paused, STARTED), ["clock__get_current_time"]);
    let first = ("get_current_time".to_owned(), now);
    assert_eq!(clock_calls(&service), std::slice::from_ref(&first));
    let time = approval(&service, paused.response(), "convert_time").await;
    let echo = approval(&service, paused.response(), "echo").await;

    let yes = json!({"approve": true});
    let half = service.post(&time, &yes, 200).await;
    assert_eq!(half["status"], "requires_approval");
    assert_eq!((asked(&upstream).len(), clock_calls(&service)), (1, vec![first.clone()]));
    let heard = service.stream(&format!("{echo}?stream=true"), &yes).await.end().await;

    is_completed(&heard, "It is nine.");
    assert_eq!(tools(&heard, COMPLETED), ["clock__convert_time", "every__echo"]);
    assert_eq!(clock_calls(&service), [first, ("convert_time".to_owned(), noon())]);
    let results = told(&upstream);
    assert_eq!((asked(&upstream).len(), results.len()), (2, 3));
    let said = |text: &str| results.iter().filter(|result| result.contains(text)).count();
    assert_eq!((said("21:00"), said("Echo: hi")), (1, 1), "{results:?}");
    service.post(&time, &yes, 409).await;
}

async fn a_denied_call_is_not_made_and_the_model_is_told(kept: Kept) {
    let everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let servers = [everything.setting(json!({})), clock(json!({}))];
    let helper = service.assistant(having(servers)).await;
    upstream.answer(echo().and_tool_call("clock__convert_time", noon()));
    upstream.answer(Turn::text("Then not."));
    let paused = service.ask(&helper, "When is noon in Tokyo?").await.end().await;
    // Without a setting every call waits.
    assert_eq!(waits(&paused), 2);
    let time = approval(&service, paused.response(), "convert_time").await;
    let echo = approval(&service, paused.response(), "echo").await;

    let no = json!({"approve": false, "reason": "Look at a clock."});
    service.post(&time, &no, 200).await;
    service.post(&echo, &json!({"approve": true}), 200).await;
    let heard = service.follow(paused.response(), paused.reached()).await.end().await;

    is_completed(&heard, "Then not.");
    assert_eq!(tools(&heard, COMPLETED), ["every__echo"]);
    assert_eq!(tools(&heard, FAILED), ["clock__convert_time"]);
    assert_eq!(clock_calls(&service), []);
    let results = told(&upstream);
    assert!(results.contains(&"Echo: hi".to_owned()), "{results:?}");
    assert!(results.iter().any(|result| result.contains("Look at a clock.")), "{results:?}");
}

async fn a_server_may_restart_while_a_call_waits_for_approval(kept: Kept) {
    let mut everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let helper = service.assistant(having([everything.setting(json!({}))])).await;
    upstream.answer(echo());
    upstream.answer(Turn::text("Done."));
    let paused = service.ask(&helper, "Say hi").await.end().await;
    assert_eq!(waits(&paused), 1);
    let echo = approval(&service, paused.response(), "echo").await;

    everything.end();
    everything.begin();
    let yes = json!({"approve": true});
    let heard = service.stream(&format!("{echo}?stream=true"), &yes).await.end().await;

    is_completed(&heard, "Done.");
    assert_eq!(told(&upstream), ["Echo: hi"]);
}

async fn a_server_that_restarts_in_mid_run_is_called_as_if_it_had_not(kept: Kept) {
    let mut everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let helper = service.assistant(having([everything.setting(freely())])).await;
    let tap = Tap::shut();
    upstream.answer(echo().with_fault(Fault::SlowDrip(tap.clone())));
    upstream.answer(Turn::text("Done."));
    let stream = service.ask(&helper, "Say hi").await;
    is_asked(&upstream).await;

    everything.end();
    everything.begin();
    tap.open();
    let heard = stream.end().await;

    is_completed(&heard, "Done.");
    assert_eq!(told(&upstream), ["Echo: hi"]);
    assert_eq!(tools(&heard, COMPLETED), ["every__echo"]);
}

async fn a_program_that_dies_in_mid_run_is_started_again(kept: Kept) {
    let (service, upstream) = start(kept).await;
    let helper = service.assistant(having([clock(freely())])).await;
    let tap = Tap::shut();
    let call = Turn::tool_call("clock__convert_time", noon());
    upstream.answer(call.with_fault(Fault::SlowDrip(tap.clone())));
    upstream.answer(Turn::text("It is nine."));
    let stream = service.ask(&helper, "When is noon in Tokyo?").await;
    is_asked(&upstream).await;

    let first = service.file("pid");
    kill_clock(&service);
    tap.open();
    let heard = stream.end().await;

    is_completed(&heard, "It is nine.");
    assert!(told(&upstream)[0].contains("21:00"), "{:?}", told(&upstream));
    assert_eq!(clock_calls(&service).len(), 1);
    assert_ne!(service.file("pid"), first);
}

async fn a_server_that_is_gone_fails_its_call_and_is_told_of_in_later_runs(kept: Kept) {
    let mut everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let servers = having([everything.setting(freely()), clock(freely())]);
    let helper = service.assistant(servers).await;
    let tap = Tap::shut();
    upstream.answer(echo().with_fault(Fault::SlowDrip(tap.clone())));
    upstream.answer(Turn::text("It is gone."));
    let stream = service.ask(&helper, "Say hi").await;
    is_asked(&upstream).await;

    everything.end();
    tap.open();
    let heard = stream.end().await;

    is_completed(&heard, "It is gone.");
    assert_eq!(tools(&heard, FAILED), ["every__echo"]);
    assert!(told(&upstream)[0].starts_with("The tool failed: "), "{:?}", told(&upstream));

    upstream.answer(Turn::text("Without it."));
    let heard = service.ask(&helper, "And now?").await.end().await;

    is_completed(&heard, "Without it.");
    let requests = asked(&upstream);
    let offered = requests.last().unwrap().tools();
    assert!(offered.iter().all(|tool| tool.starts_with("clock__")), "{offered:?}");
    assert_eq!(offered.len(), 2);
    let notices: Vec<_> = heard.last()["notices"].as_array().unwrap().iter().collect();
    let about = |notice: &&&Value| notice["field"] == "tool_configurations.mcpTools[every]";
    let notice = notices.iter().find(about).unwrap();
    assert_eq!(notice["action"], "unavailable");

    everything.begin();
    upstream.answer(Turn::text("With it."));
    is_completed(&service.ask(&helper, "And again?").await.end().await, "With it.");
    assert!(asked(&upstream).last().unwrap().tools().contains(&"every__echo"));
}

async fn a_server_that_dies_in_mid_call_leaves_it_unknown_what_was_done(kept: Kept) {
    let mut everything = Everything::start();
    let (service, upstream) = start(kept).await;
    let helper = service.assistant(having([everything.setting(freely())])).await;
    let long = json!({"duration": 60, "steps": 600});
    let slow = Turn::tool_call("every__trigger-long-running-operation", long);
    upstream.answer(slow.and_tool_call("every__echo", json!({"message": "hi"})));
    upstream.answer(Turn::text("Nobody knows."));
    let mut stream = service.ask(&helper, "Take your time").await;
    // The slow call went out before the other one, which is answered.
    let echoed = stream.until(COMPLETED).await;
    assert_eq!(echoed["tool"], "every__echo");

    everything.end();
    let heard = stream.end().await;

    is_completed(&heard, "Nobody knows.");
    assert_eq!(tools(&heard, FAILED), ["every__trigger-long-running-operation"]);
    let results = told(&upstream);
    assert!(results[0].contains("whether it did something is not known"), "{results:?}");
    assert_eq!(results[1], "Echo: hi");
}
