//! Lists the assistants that a caller may see.

use crate::{
    Scope,
    access::{self, Standing},
    assistant::view::AssistantView,
    ports::{
        AssistantFilter, AssistantListQuery, AssistantRecord, Position, PositionKey, Sort, SortKey,
    },
    usecases::{
        Caller, Deps, Result,
        support::{require_scope, require_seat},
        tags::named_tag,
    },
};

/// Which assistants to list.
#[derive(Clone, Debug)]
pub struct ListAssistants {
    /// What the caller asked for. Limits of the caller's token are added here.
    pub filter: AssistantFilter,
    /// Only those with this tag of the caller's organization, named by id or name.
    pub tag: Option<String>,
    /// Whether inactive ones are among them, unless the filter says.
    pub include_inactive: bool,
    /// In what order.
    pub sort: Sort,
    /// Behind which row.
    pub after: Option<Position>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all.
    pub count: bool,
}

/// A page of assistants.
#[derive(Clone, Debug)]
pub struct AssistantPage {
    /// The assistants as the caller sees them.
    pub rows: Vec<AssistantView>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Position>,
    /// How many there are in all, if asked.
    pub total: Option<u64>,
}

/// Lists live assistants that the caller may see; drafts never.
///
/// # Errors
///
/// [`crate::usecases::Error::SeatRequired`], or the store's.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn list_assistants(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListAssistants,
) -> Result<AssistantPage> {
    let actor = &caller.actor;
    require_seat(actor)?;
    require_scope(actor, Scope::Read)?;
    let ListAssistants { mut filter, tag, include_inactive, sort, after, limit, count } = command;
    if let Some(tag) = tag {
        // A tag that there is not is on none; one of another organization is no tag here.
        let Some(id) = named_tag(&deps, caller, &tag).await? else {
            return Ok(AssistantPage { rows: Vec::new(), next: None, total: count.then_some(0) });
        };
        filter.tag = Some(id);
    }
    filter.api_enabled_only = actor.limits().is_some();
    filter.only = actor.only_assistant();
    if filter.is_active.is_none() && !include_inactive {
        filter.is_active = Some(true);
    }
    let standing = Standing::of(actor);
    let query = AssistantListQuery { standing, filter, sort, after, limit, count };
    let page = deps.store.assistants().list(&query).await?;

    let last = page.rows.last().filter(|_| page.more);
    let next = last.map(|record| position_of(record, sort.key));
    let view = |record: AssistantRecord| AssistantView {
        level: access::level(&query.standing, record.authority()),
        at_home: record.assistant.organization == actor.organization,
        record,
    };
    Ok(AssistantPage { rows: page.rows.into_iter().map(view).collect(), next, total: page.total })
}

fn position_of(record: &AssistantRecord, key: SortKey) -> Position {
    let assistant = &record.assistant;
    let key = match key {
        SortKey::UpdatedAt => PositionKey::Time(assistant.updated_at),
        SortKey::CreatedAt => PositionKey::Time(assistant.created_at),
        SortKey::Name => PositionKey::Text(assistant.content.name.to_lowercase()),
    };
    Position { key, id: assistant.id.as_uuid() }
}
