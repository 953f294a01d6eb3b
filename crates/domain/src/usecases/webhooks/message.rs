//! What receivers are told.

use bytes::Bytes;
use serde_json::json;

use crate::RecordedEvent;

/// The body of a message about an event: the same in every attempt.
pub(super) fn body(recorded: &RecordedEvent) -> Bytes {
    let RecordedEvent { seq, event, .. } = recorded;
    let body = json!({
        "type": event.action,
        "timestamp": event.at,
        "data": {
            "id": event.id,
            "seq": seq,
            "organizationId": event.organization,
            "actor": event.actor,
            "target": event.target,
            "assistantId": event.assistant,
            "before": event.before,
            "after": event.after,
        },
    });
    body.to_string().into()
}
