//! The log for machines: one JSON object a line, with the fields of all spans
//! around the event beside its own, so that `request_id` is always at the top.

use std::fmt;

use serde::Serializer;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

/// Formats an event with the fields of its spans.
pub(super) struct Json;

/// How the fields of spans are kept for [`Json`].
pub(super) fn fields() -> JsonFields {
    JsonFields::new()
}

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let head = [
            ("time", Value::from(time)),
            ("level", event.metadata().level().as_str().into()),
            ("target", event.metadata().target().into()),
        ];
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let known = extensions.get::<FormattedFields<JsonFields>>();
            let known = known.and_then(|known| serde_json::from_str(&known.fields).ok());
            fields.append(&mut known.unwrap_or_default());
        }
        event.record(&mut Fields(&mut fields));
        // By hand, since a map would sort the time behind everything else.
        let head = head.iter().map(|(name, value)| (*name, value));
        let line = head.chain(fields.iter().map(|(name, value)| (name.as_str(), value)));
        let mut text = Vec::new();
        serde_json::Serializer::new(&mut text).collect_map(line).or(Err(fmt::Error))?;
        writeln!(writer, "{}", String::from_utf8_lossy(&text))
    }
}

/// Takes an event's own fields; they count over those of its spans.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_has_time_level_target_and_the_fields_of_all_spans_around() {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(lines.clone())
            .fmt_fields(fields())
            .event_format(Json);
        let subscriber = tracing_subscriber::registry().with(layer);

        tracing::subscriber::with_default(subscriber, || {
            let _request = tracing::info_span!("request", request_id = "r-1", status = 0).entered();
            let _inner = tracing::info_span!("inner", user.id = "usr_1").entered();
            tracing::info!(status = 200, "a \"quoted\"\nmessage");
        });

        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(written.strip_suffix('\n').unwrap()).unwrap();
        assert_eq!(written.lines().count(), 1);
        assert!(written.starts_with("{\"time\":"));
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
        assert_eq!(line["level"], "INFO");
        assert!(line["target"].as_str().unwrap().starts_with("understudy_server"));
        assert_eq!(line["request_id"], "r-1");
        assert_eq!(line["user.id"], "usr_1");
        assert_eq!(line["status"], 200);
        assert_eq!(line["message"], "a \"quoted\"\nmessage");
    }
}
