//! What can go wrong with a provider.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A way to misbehave.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Refuses.
    Status {
        /// The HTTP status.
        status: u16,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u64>,
        /// The body; empty is a complaint as the protocol spells it.
        body: String,
    },
    /// Says nothing more from a point on, and does not hang up.
    Hang(Hang),
    /// Answers 200 with a body that is of no protocol.
    Garbage,
    /// Hangs up in the middle of the body.
    CutAfter(Cut),
    /// Each event (each piece, with [`SplitBytes`](Self::SplitBytes)) waits for the
    /// tap.
    SlowDrip(Tap),
    /// A stream ends properly, but without the events that tell of the end.
    MissingTerminal,
    /// Writes a stream in pieces of this many bytes, wherever that cuts.
    SplitBytes(usize),
    /// Tells twice of the end.
    DuplicateDone,
    /// Something of no protocol follows after the end.
    TrailingGarbage,
    /// Events of kinds that nobody knows stand between the others.
    UnknownEvents,
    /// After so many events comes one that tells of a failure, and nothing more.
    ErrorEvent {
        /// How many events come before.
        after: usize,
        /// Which failure.
        trouble: Trouble,
    },
}

impl Fault {
    /// Refuses with this status and a complaint as the protocol spells it.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: String::new() }
    }
}

/// Where a provider falls silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Once the connection is there; the request is not even read, nor recorded.
    Connected,
    /// Before the head of the answer.
    BeforeHead,
    /// After the head, before the first byte of the body.
    BeforeFirstEvent,
    /// After so many events.
    AfterEvents(usize),
}

/// Where a provider hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// After so many events.
    Events(usize),
    /// After so many bytes of the body.
    Bytes(usize),
}

/// A failure that an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is too much to do.
    Overloaded,
    /// Something else.
    Internal,
}

/// Lets a slow provider go on, piece by piece. It is shut at first.
#[derive(Clone, Debug)]
pub struct Tap {
    permits: Arc<Semaphore>,
}

impl Tap {
    /// A tap that is shut.
    #[must_use]
    pub fn shut() -> Self {
        Self { permits: Arc::new(Semaphore::new(0)) }
    }

    /// Lets so many more pieces through.
    pub fn let_through(&self, pieces: usize) {
        self.permits.add_permits(pieces);
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.permits.close();
    }

    pub(super) async fn pass(&self) {
        // An error says that it is open for good.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }
}
