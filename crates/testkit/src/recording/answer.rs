//! An answer before it is written, and what faults make of it.

use serde_json::{Value, json};

use super::{
    chat,
    fault::{Cut, Fault, Hang, Tap, Trouble},
    frames::Frame,
    messages, ollama,
    request::{ModelApi, RecordedRequest},
    responses,
    turn::Turn,
};

const NONSENSE: &str = "}{ <html>\u{0}";

/// What is answered to a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// What the body consists of: events, or one frame that is all of it.
    pub(super) frames: Vec<Frame>,
    pub(super) is_streamed: bool,
    /// Whether even the head is written.
    pub(super) has_head: bool,
    pub(super) end: End,
    pub(super) tap: Option<Tap>,
    /// How many bytes are written at once, if not an event each.
    pub(super) piece: Option<usize>,
    api: Option<ModelApi>,
}

/// What happens after the last frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The body ends.
    Proper,
    /// The connection does, and not the body.
    Cut,
    /// Nothing.
    Silence,
}

impl Answer {
    /// An answer that is one document.
    pub(super) fn json(api: Option<ModelApi>, status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            frames: vec![Frame::new(body.to_string()).ending()],
            is_streamed: false,
            has_head: true,
            end: End::Proper,
            tap: None,
            piece: None,
            api,
        }
    }

    /// What a turn comes to.
    pub(super) fn of(request: &RecordedRequest, api: ModelApi, turn: &Turn) -> Self {
        let answer = if request.is_streamed() {
            let (frames, kind) = match api {
                ModelApi::Responses => (responses::stream(request, turn), "text/event-stream"),
                ModelApi::Chat => (chat::stream(request, turn), "text/event-stream"),
                ModelApi::Messages => (messages::stream(request, turn), "text/event-stream"),
                ModelApi::Ollama => (ollama::stream(request, turn), "application/x-ndjson"),
            };
            let headers = vec![("content-type", kind.to_owned())];
            Self { headers, frames, is_streamed: true, ..Self::json(Some(api), 200, &Value::Null) }
        } else {
            let body = match api {
                ModelApi::Responses => responses::whole(request, turn),
                ModelApi::Chat => chat::whole(request, turn),
                ModelApi::Messages => messages::whole(request, turn),
                ModelApi::Ollama => ollama::whole(request, turn),
            };
            Self::json(Some(api), 200, &body)
        };
        turn.faults.iter().fold(answer, Self::with_fault)
    }

    /// A refusal as the protocol spells it.
    pub(super) fn complaint(api: Option<ModelApi>, status: u16, message: &str) -> Self {
        let body = match api {
            Some(ModelApi::Messages) => messages::complaint(status, message),
            Some(ModelApi::Ollama) => json!({"error": message}),
            Some(ModelApi::Responses | ModelApi::Chat) | None => {
                responses::complaint(status, message)
            }
        };
        Self::json(api, status, &body)
    }

    /// The same with something wrong about it.
    pub(super) fn with_fault(mut self, fault: &Fault) -> Self {
        match fault {
            Fault::Status { status, retry_after, body } => {
                return self.refused(*status, *retry_after, body);
            }
            Fault::Hang(hang) => self.hang(*hang),
            Fault::Garbage => self.frames = vec![self.garbage()],
            Fault::CutAfter(cut) => self.cut(*cut),
            Fault::SlowDrip(tap) => self.tap = Some(tap.clone()),
            Fault::SplitBytes(bytes) => self.piece = Some((*bytes).max(1)),
            Fault::TrailingGarbage => {
                let garbage = self.garbage();
                self.frames.push(garbage);
            }
            Fault::ErrorEvent { after, trouble } => return self.failed(*after, *trouble),
            // What is no stream has no events that could be missing or too many.
            _ if !self.is_streamed => {}
            Fault::MissingTerminal => self.frames.retain(|frame| !frame.ends),
            Fault::DuplicateDone => {
                let again: Vec<Frame> =
                    self.frames.iter().filter(|frame| frame.ends).cloned().collect();
                self.frames.extend(again);
            }
            Fault::UnknownEvents => {
                let frames = std::mem::take(&mut self.frames);
                for frame in frames {
                    self.frames.extend(self.stranger());
                    self.frames.push(frame);
                }
            }
        }
        self
    }

    fn refused(self, status: u16, retry_after: Option<u64>, body: &str) -> Self {
        let mut refusal = Self::complaint(self.api, status, "This is refused, as was wished.");
        if !body.is_empty() {
            refusal.frames = vec![Frame::new(body).ending()];
        }
        refusal.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        refusal
    }

    fn hang(&mut self, hang: Hang) {
        match hang {
            Hang::Connected | Hang::BeforeHead => self.has_head = false,
            Hang::BeforeFirstEvent => self.frames.clear(),
            Hang::AfterEvents(events) => self.frames.truncate(events),
        }
        self.end = End::Silence;
    }

    fn cut(&mut self, cut: Cut) {
        match cut {
            Cut::Events(events) => self.frames.truncate(events),
            Cut::Bytes(mut left) => self.frames.retain_mut(|frame| {
                frame.bytes.truncate(left);
                left -= frame.bytes.len();
                !frame.bytes.is_empty()
            }),
        }
        self.end = End::Cut;
    }

    fn failed(mut self, after: usize, trouble: Trouble) -> Self {
        let Some(api) = self.api.filter(|_| self.is_streamed) else {
            let status = if trouble == Trouble::Overloaded { 503 } else { 500 };
            return Self::complaint(self.api, status, "This failed, as was wished.");
        };
        self.frames.truncate(after);
        self.frames.push(match api {
            ModelApi::Responses => responses::trouble(trouble),
            ModelApi::Chat => chat::trouble(trouble),
            ModelApi::Messages => messages::trouble(trouble),
            ModelApi::Ollama => ollama::trouble(trouble),
        });
        self
    }

    fn garbage(&self) -> Frame {
        match self.api {
            Some(ModelApi::Ollama) => Frame::new(format!("{NONSENSE}\n")),
            Some(_) if self.is_streamed => Frame::new(format!("data: {NONSENSE}\n\n")),
            _ => Frame::new(NONSENSE),
        }
    }

    /// Events that nobody knows; none where the protocol has no kinds of events.
    fn stranger(&self) -> Vec<Frame> {
        let unknown = json!({"type": "tea.served", "tea": {"kind": "oolong"}});
        match self.api {
            Some(ModelApi::Responses | ModelApi::Messages) => {
                vec![Frame::new(": a comment\n\n"), Frame::named(&unknown)]
            }
            Some(ModelApi::Chat) => {
                vec![Frame::new(": a comment\n\n"), Frame::data(&json!({"choices": []}))]
            }
            Some(ModelApi::Ollama) | None => Vec::new(),
        }
    }
}
