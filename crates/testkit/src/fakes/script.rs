//! What fakes of tools share: a list of what was asked, and one of what to answer.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use understudy_domain::ports::ToolError;

/// Questions that came and answers to be given.
#[derive(Debug)]
pub(super) struct Script<Q, A>(Mutex<State<Q, A>>);

#[derive(Debug)]
struct State<Q, A> {
    asked: Vec<Q>,
    answers: VecDeque<Result<A, ToolError>>,
}

impl<Q, A> Default for Script<Q, A> {
    fn default() -> Self {
        Self(Mutex::new(State { asked: Vec::new(), answers: VecDeque::new() }))
    }
}

impl<Q: Clone, A> Script<Q, A> {
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the question, and gives the next answer or else the `usual` one.
    pub(super) fn ask(&self, question: Q, usual: impl FnOnce() -> A) -> Result<A, ToolError> {
        let mut state = self.state();
        state.asked.push(question);
        state.answers.pop_front().unwrap_or_else(|| Ok(usual()))
    }

    /// Answers this to the next question that has no answer yet.
    pub(super) fn answer_next(&self, answer: Result<A, ToolError>) {
        self.state().answers.push_back(answer);
    }

    /// What was asked, in order.
    pub(super) fn asked(&self) -> Vec<Q> {
        self.state().asked.clone()
    }
}
