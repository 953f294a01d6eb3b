//! What a provider is told to do, and what it remembers.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    answer::Answer,
    fault::{Fault, Hang},
    request::RecordedRequest,
    sides,
    turn::Turn,
};
use crate::Asked;

/// What is said when nothing was ordered.
const GREETING: &str = "Hello.";

pub(super) type Responding = dyn Fn(&RecordedRequest) -> Turn + Send + Sync;
pub(super) type Judging = dyn Fn(&str) -> BTreeMap<String, f64> + Send + Sync;

/// What connections share.
#[derive(Debug, Default)]
pub(super) struct Script {
    orders: Mutex<Orders>,
    requests: Mutex<Vec<RecordedRequest>>,
    /// How many requests there were.
    pub(super) asked: watch::Sender<usize>,
    /// How many connections are open.
    pub(super) open: watch::Sender<usize>,
    /// How many exchanges the other side left before their end.
    pub(super) abandoned: watch::Sender<usize>,
}

#[derive(Default)]
pub(super) struct Orders {
    pub(super) turns: VecDeque<Turn>,
    pub(super) usual: Option<Turn>,
    pub(super) respond: Option<Arc<Responding>>,
    pub(super) judge: Option<Arc<Judging>>,
    pub(super) models: Vec<String>,
    pub(super) faults: Vec<(String, Fault)>,
}

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Orders");
        shown.field("turns", &self.turns).field("models", &self.models).finish_non_exhaustive()
    }
}

impl Script {
    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the next turn is to fall silent once there is a connection; the turn
    /// is used up by that.
    pub(super) fn hangs_at_once(&self) -> bool {
        let mut orders = self.orders();
        let next = orders.turns.front();
        let hangs = next.is_some_and(|turn| {
            turn.faults.iter().any(|fault| matches!(fault, Fault::Hang(Hang::Connected)))
        });
        if hangs {
            orders.turns.pop_front();
        }
        hangs
    }

    /// Records a request and settles what is answered.
    pub(super) fn answer(&self, asked: Asked) -> Answer {
        let request = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            let request = RecordedRequest::new(requests.len() + 1, asked);
            requests.push(request.clone());
            request
        };
        let answer = self.decide(&request);
        self.asked.send_modify(|count| *count += 1);
        answer
    }

    fn decide(&self, request: &RecordedRequest) -> Answer {
        let Some(fault) = self.fault_at(&request.path) else {
            return self.usual_answer(request);
        };
        // No ordered turn is used up by what goes wrong.
        let answer = match request.api {
            Some(api) => Answer::of(request, api, &Turn::text(GREETING)),
            None => self.usual_answer(request),
        };
        answer.with_fault(&fault)
    }

    fn usual_answer(&self, request: &RecordedRequest) -> Answer {
        if request.method == "POST" && !request.body.is_object() {
            return Answer::complaint(request.api, 400, "the body is no JSON object");
        }
        if let Some(api) = request.api {
            return Answer::of(request, api, &self.turn(request));
        }
        let body = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/models") => sides::models(request, &self.orders().models),
            ("GET", "/api/tags") => sides::tags(&self.orders().models),
            ("POST", "/v1/moderations") => {
                let judge = self.orders().judge.clone();
                sides::moderation(request, |text| {
                    judge.as_ref().map_or_else(BTreeMap::new, |judge| judge(text))
                })
            }
            ("POST", "/v1/embeddings") => sides::embeddings(request),
            ("POST", "/api/embed") => sides::embed(request),
            ("POST", "/v1/images/generations") => sides::pictures(request),
            (method, path) => {
                let message = format!("Unknown request URL: {method} {path}");
                return Answer::complaint(None, 404, &message);
            }
        };
        Answer::json(None, 200, &body)
    }

    fn turn(&self, request: &RecordedRequest) -> Turn {
        let (next, respond, usual) = {
            let mut orders = self.orders();
            (orders.turns.pop_front(), orders.respond.clone(), orders.usual.clone())
        };
        // The closure is called without the lock: it may look at the upstream.
        next.or_else(|| respond.map(|respond| respond(request)))
            .or(usual)
            .unwrap_or_else(|| Turn::text(GREETING))
    }

    fn fault_at(&self, path: &str) -> Option<Fault> {
        let mut orders = self.orders();
        let place = orders.faults.iter().position(|(known, _)| known == path)?;
        Some(orders.faults.remove(place).1)
    }
}

/// Counts something as long as it is there.
pub(super) struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    pub(super) fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
