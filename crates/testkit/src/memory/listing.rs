//! Reads assistants and versions. Access is decided by [`access::level`] alone,
//! row by row: slow, but what the indexes of real stores have to agree with.

use std::cmp::Ordering;

use async_trait::async_trait;
use understudy_domain::{
    Assistant, AssistantId, AssistantRef, Editing, OrganizationId, Version, VersionSummary,
    access::{self, Level},
    assistant::policy::AccessMode,
    ports::{
        AssistantFilter, AssistantListQuery, AssistantQueries, AssistantRecord, DraftMark, Page,
        Position, PositionKey, Sort, SortKey, StoreResult,
    },
};

use super::{
    MemoryStore,
    assistants::is_listed,
    queries::{page, total},
    state::State,
};

#[async_trait]
impl AssistantQueries for MemoryStore {
    async fn find(
        &self,
        tenant: OrganizationId,
        reference: &AssistantRef,
    ) -> StoreResult<Option<AssistantRecord>> {
        Ok(find_record(&*self.shared.read()?, tenant, reference))
    }

    async fn list(&self, query: &AssistantListQuery) -> StoreResult<Page<AssistantRecord>> {
        let state = self.shared.read()?;
        let tenant = query.standing.organization;
        let mut rows: Vec<&Assistant> =
            state.assistants.rows().filter(|assistant| matches(&state, query, assistant)).collect();
        let total = query.count.then(|| total(rows.len()));
        rows.sort_by(|a, b| {
            compare(query.sort, &position(query.sort, a), &position(query.sort, b))
        });
        if let Some(after) = &query.after {
            rows.retain(|row| compare(query.sort, &position(query.sort, row), after).is_gt());
        }
        let rows = rows.into_iter().map(|row| record(&state, tenant, row)).collect();
        Ok(page(rows, query.limit, total))
    }

    async fn versions(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        before: Option<u32>,
        limit: u32,
    ) -> StoreResult<Vec<VersionSummary>> {
        let state = self.shared.read()?;
        let newest_first = state.versions.of(tenant).rev();
        let wanted = newest_first
            .filter(|version| version.assistant == assistant)
            .filter(|version| before.is_none_or(|before| version.number < before));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(wanted.take(limit).map(summary).collect())
    }

    async fn version(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>> {
        Ok(self.shared.read()?.versions.find(tenant, &(assistant, number)).cloned())
    }

    async fn default_of(&self, tenant: OrganizationId) -> StoreResult<Option<AssistantRecord>> {
        let state = self.shared.read()?;
        let mut assistants = state.assistants.of(tenant);
        let default = assistants.find(|assistant| is_listed(assistant) && assistant.is_default);
        Ok(default.map(|assistant| record(&state, tenant, assistant)))
    }
}

/// The assistant that `reference` names for callers of `tenant`.
pub(super) fn find_record(
    state: &State,
    tenant: OrganizationId,
    reference: &AssistantRef,
) -> Option<AssistantRecord> {
    let found = match reference {
        AssistantRef::Id(id) => state.assistants.get(id).filter(|assistant| {
            assistant.organization == tenant || (is_listed(assistant) && is_for_all(assistant))
        }),
        AssistantRef::Slug(slug) => {
            let mut assistants = state.assistants.of(tenant);
            assistants.find(|a| !a.is_draft() && a.slug.as_ref() == Some(slug))
        }
    };
    found.map(|assistant| record(state, tenant, assistant))
}

fn is_for_all(assistant: &Assistant) -> bool {
    matches!(assistant.policy.access_mode, AccessMode::Global | AccessMode::Public)
}

fn record(state: &State, tenant: OrganizationId, assistant: &Assistant) -> AssistantRecord {
    let live = assistant.editing.and_then(|Editing { live }| state.assistants.get(&live));
    let mut drafts = state.assistants.of(tenant);
    let draft = drafts.find(|draft| draft.editing == Some(Editing { live: assistant.id }));
    AssistantRecord {
        assistant: assistant.clone(),
        live: live.cloned().map(Box::new),
        draft: draft.map(|draft| DraftMark { id: draft.id }),
    }
}

fn matches(state: &State, query: &AssistantListQuery, assistant: &Assistant) -> bool {
    let level = access::level(&query.standing, assistant);
    is_listed(assistant)
        && level >= Level::View
        && content_matches(&query.filter, assistant)
        && policy_matches(&query.filter, assistant, level)
        && labels_match(state, query, assistant)
}

fn content_matches(filter: &AssistantFilter, assistant: &Assistant) -> bool {
    let content = &assistant.content;
    let contains = |q: &String| {
        let description = content.description.as_deref().unwrap_or_default();
        content.name.to_lowercase().contains(q) || description.to_lowercase().contains(q)
    };
    filter.q.as_ref().is_none_or(contains)
        && filter.kind.is_none_or(|kind| content.kind == kind)
        && filter.model.as_ref().is_none_or(|model| content.default_model_key == *model)
        && filter.metadata.iter().all(|(key, value)| {
            content.metadata.as_ref().and_then(|metadata| metadata.get(key)) == Some(value)
        })
        && filter.only.is_none_or(|only| assistant.id == only)
}

fn policy_matches(filter: &AssistantFilter, assistant: &Assistant, level: Level) -> bool {
    let policy = &assistant.policy;
    let shown_in_chat = |user| {
        let named = &policy.visible_in_chat_to_users;
        named.is_empty() || named.contains(&user) || level >= Level::Edit
    };
    filter.owner.is_none_or(|owner| assistant.owner == owner)
        && filter.access_mode.is_none_or(|mode| policy.access_mode == mode)
        && filter.is_active.is_none_or(|active| policy.is_active == active)
        && (policy.api_enabled || !filter.api_enabled_only)
        && filter.visible_in_chat_to.is_none_or(shown_in_chat)
}

fn labels_match(state: &State, query: &AssistantListQuery, assistant: &Assistant) -> bool {
    let (filter, tenant) = (&query.filter, query.standing.organization);
    let is_tagged = |tag| assistant.organization == tenant && assistant.tags.contains(&tag);
    filter.tag.is_none_or(is_tagged)
        && filter
            .favorite_of
            .is_none_or(|user| state.favorites.get(&(user, assistant.id)).is_some())
}

fn position(sort: Sort, assistant: &Assistant) -> Position {
    let key = match sort.key {
        SortKey::UpdatedAt => PositionKey::Time(assistant.updated_at),
        SortKey::CreatedAt => PositionKey::Time(assistant.created_at),
        SortKey::Name => PositionKey::Text(assistant.content.name.to_lowercase()),
    };
    Position { key, id: assistant.id.as_uuid() }
}

fn compare(sort: Sort, a: &Position, b: &Position) -> Ordering {
    let by_key = match (&a.key, &b.key) {
        (PositionKey::Time(a), PositionKey::Time(b)) => a.cmp(b),
        (PositionKey::Text(a), PositionKey::Text(b)) => a.cmp(b),
        // A position of another sort order has no place in this one.
        (PositionKey::Time(_), PositionKey::Text(_)) => Ordering::Less,
        (PositionKey::Text(_), PositionKey::Time(_)) => Ordering::Greater,
    };
    let ascending = by_key.then(a.id.cmp(&b.id));
    if sort.descending { ascending.reverse() } else { ascending }
}

fn summary(version: &Version) -> VersionSummary {
    VersionSummary {
        id: version.id,
        number: version.number,
        author: version.author,
        created_at: version.created_at,
        message: version.message.clone(),
        changes: version.changes,
    }
}
