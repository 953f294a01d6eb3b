//! What the messages of a run are called: known before they are stored, so that whoever
//! follows a run hears the same names as whoever reads its thread afterwards.

use uuid::Builder;

use crate::{Digest, MessageId, RunId};

/// The message that the answer of a run is; the last of them, where it says several.
#[must_use]
pub const fn answer_id(run: RunId) -> MessageId {
    MessageId::from_uuid(run.as_uuid())
}

/// The item with this number in the input of a run, from 0.
#[must_use]
pub fn input_id(run: RunId, number: usize) -> MessageId {
    derived(run, "input", &number.to_string())
}

/// A call that the caller of a run is to run.
#[must_use]
pub fn call_id(run: RunId, call: &str) -> MessageId {
    derived(run, "call", call)
}

fn derived(run: RunId, kind: &str, name: &str) -> MessageId {
    let digest = Digest::of(format!("{run} {kind} {name}").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    MessageId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_message_has_its_own_name_and_always_the_same() {
        let names = || {
            [7, 8].map(|n| RunId::from_uuid(Uuid::from_u128(n))).into_iter().flat_map(|run| {
                let calls = ["0", "a", "b"].map(|call| call_id(run, call));
                let input = [0, 1].map(|number| input_id(run, number));
                [answer_id(run)].into_iter().chain(calls).chain(input)
            })
        };

        let distinct: BTreeSet<MessageId> = names().collect();

        assert_eq!(distinct.len(), 12);
        assert!(names().eq(names()));
    }

    #[test]
    fn an_answer_has_the_digits_of_its_run() {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let digits = run.to_string();

        let name = answer_id(run).to_string();

        assert_eq!(name.strip_prefix("msg_"), digits.strip_prefix("resp_"));
    }
}
