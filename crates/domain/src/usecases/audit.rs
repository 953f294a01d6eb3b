//! Proving the audit log: that no event was changed, taken out, put in, moved or cut
//! off since it was written.

use std::fmt;

use super::{Deps, Result};
use crate::{
    ChainHash, EventFilter, EventId, OrganizationId, RecordedEvent,
    audit::ChainHead,
    ports::{StoreError, Walk},
};

/// How many events are read at a time.
const PAGE: u32 = 500;

/// A log that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many events it has.
    pub events: u64,
    /// How many of them are from before it was chained, which nothing proves.
    pub unchained: u64,
    /// Where it ends. Kept elsewhere, it proves later that the log was not written
    /// anew.
    pub head: ChainHead,
}

/// The first place at which a log is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the event.
    pub seq: u64,
    /// The event that stands there, if any does.
    pub event: Option<EventId>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with an event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not what was written there.
    Changed,
    /// There is none with this number, but there are later ones.
    Missing,
    /// What was written with this number stands elsewhere.
    OutOfOrder,
    /// It and what was behind it are gone.
    CutOff,
    /// It stands behind the end of the log.
    BehindTheEnd,
    /// It is the last one, but not the one that the log is known to end with.
    OtherEnd,
    /// The log had another event there when its head was noted.
    NotAsNoted,
    /// It cannot be read.
    Unreadable,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => {
                "is not what was written there: it was changed or put in, or one before it taken out"
            }
            Self::Missing => "is missing",
            Self::OutOfOrder => "is not what was written there, which stands elsewhere",
            Self::CutOff => "and what was behind it are cut off at the end",
            Self::BehindTheEnd => "stands behind the end of the log",
            Self::OtherEnd => "is not the one that the log is known to end with",
            Self::NotAsNoted => "or one before it is not what it was when the head was noted",
            Self::Unreadable => "cannot be read",
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, event, wrong } = self;
        match event {
            Some(event) => write!(f, "event {seq} ({event}) {wrong}"),
            None => write!(f, "event {seq} {wrong}"),
        }
    }
}

/// Walks an organization's log from its beginning to its end and recomputes every
/// hash. With `noted`, the log must also still have the head that it had once.
///
/// Events that are added meanwhile are left for the next time.
///
/// # Errors
///
/// The store's. What is wrong with the log is no error of this.
#[tracing::instrument(skip_all, fields(organization.id = %organization))]
pub async fn verify(
    deps: Deps<'_>,
    organization: OrganizationId,
    noted: Option<ChainHead>,
) -> Result<std::result::Result<Verified, Broken>> {
    let end = deps.store.audit().head(organization).await?;
    let mut chain = Chain { last: ChainHead { seq: 0, hash: ChainHash::START }, unchained: 0 };
    if let Err(broken) = walk(&deps, organization, &mut chain, (end, noted)).await? {
        return Ok(Err(broken));
    }
    if noted.is_some_and(|noted| noted.seq > end.seq) {
        return Ok(Err(Broken { seq: end.seq + 1, event: None, wrong: Wrong::CutOff }));
    }
    if let Some(broken) = behind_the_end(&deps, organization, end).await? {
        return Ok(Err(broken));
    }
    Ok(Ok(Verified { events: end.seq, unchained: chain.unchained, head: end }))
}

/// Follows the log up to `end`.
async fn walk(
    deps: &Deps<'_>,
    organization: OrganizationId,
    chain: &mut Chain,
    (end, noted): (ChainHead, Option<ChainHead>),
) -> Result<std::result::Result<(), Broken>> {
    let mut limit = PAGE;
    let mut last_event = None;
    while chain.last.seq < end.seq {
        let page = read(deps, organization, chain.last.seq, limit).await;
        let page = match page {
            Ok(page) => page,
            // One by one, to find the one that cannot be read.
            Err(StoreError::Corrupt { .. }) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(StoreError::Corrupt { .. }) => {
                let seq = chain.last.seq + 1;
                return Ok(Err(Broken { seq, event: None, wrong: Wrong::Unreadable }));
            }
            Err(error) => return Err(error.into()),
        };
        if page.is_empty() {
            let seq = chain.last.seq + 1;
            return Ok(Err(Broken { seq, event: None, wrong: Wrong::CutOff }));
        }
        for recorded in page.iter().take_while(|recorded| recorded.seq <= end.seq) {
            if let Err(broken) = chain.follow(recorded, &page) {
                return Ok(Err(broken));
            }
            last_event = Some(recorded.event.id);
            if noted.is_some_and(|noted| noted.seq == recorded.seq && noted != chain.last) {
                let (seq, event) = (recorded.seq, last_event);
                return Ok(Err(Broken { seq, event, wrong: Wrong::NotAsNoted }));
            }
        }
        if page.iter().all(|recorded| recorded.seq > end.seq) {
            let seq = chain.last.seq + 1;
            return Ok(Err(Broken { seq, event: None, wrong: Wrong::Missing }));
        }
    }
    if chain.last == end {
        Ok(Ok(()))
    } else {
        Ok(Err(Broken { seq: end.seq, event: last_event, wrong: Wrong::OtherEnd }))
    }
}

/// An event that stands behind the end, although no transaction moved the end on.
async fn behind_the_end(
    deps: &Deps<'_>,
    organization: OrganizationId,
    end: ChainHead,
) -> Result<Option<Broken>> {
    let more = match read(deps, organization, end.seq, 1).await {
        Ok(more) => more.into_iter().next(),
        Err(StoreError::Corrupt { .. }) => {
            let seq = end.seq + 1;
            return Ok(Some(Broken { seq, event: None, wrong: Wrong::Unreadable }));
        }
        Err(error) => return Err(error.into()),
    };
    let Some(more) = more else { return Ok(None) };
    let end = deps.store.audit().head(organization).await?;
    let stray = Broken { seq: more.seq, event: Some(more.event.id), wrong: Wrong::BehindTheEnd };
    Ok((more.seq > end.seq).then_some(stray))
}

async fn read(
    deps: &Deps<'_>,
    organization: OrganizationId,
    after: u64,
    limit: u32,
) -> std::result::Result<Vec<RecordedEvent>, StoreError> {
    let all = EventFilter::default();
    deps.store.audit().events(organization, &all, Walk::Forward(after), limit).await
}

/// The log as far as it was followed.
struct Chain {
    last: ChainHead,
    unchained: u64,
}

impl Chain {
    /// Goes on to the next event; `page` is where it was found.
    fn follow(
        &mut self,
        recorded: &RecordedEvent,
        page: &[RecordedEvent],
    ) -> std::result::Result<(), Broken> {
        let RecordedEvent { seq, hash, event } = recorded;
        let expected = self.last.seq + 1;
        if *seq > expected {
            return Err(Broken { seq: expected, event: None, wrong: Wrong::Missing });
        }
        let broken = |wrong| Broken { seq: *seq, event: Some(event.id), wrong };
        if *seq < expected {
            return Err(broken(Wrong::OutOfOrder));
        }
        let is_first = self.unchained == self.last.seq;
        let hash = match hash {
            // From before the log was chained, when nothing else came first.
            None if is_first => {
                self.unchained += 1;
                self.last.seq = *seq;
                return Ok(());
            }
            None => return Err(broken(Wrong::Changed)),
            Some(hash) => *hash,
        };
        let next = |event: &RecordedEvent| self.last.hash.next(*seq, &event.event.canonical());
        if next(recorded) != hash {
            // Whether what was written here stands elsewhere.
            let moved = page.iter().filter(|other| other.seq != *seq).any(|other| {
                let there = next(other);
                there == hash || other.hash == Some(there)
            });
            return Err(broken(if moved { Wrong::OutOfOrder } else { Wrong::Changed }));
        }
        self.last = ChainHead { seq: *seq, hash };
        Ok(())
    }
}
