//! Reads uploads, pictures, extractions, providers and usage.

use std::collections::BTreeMap;

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, Digest, Extraction, Image, ImageId, ImageOrigin, OrganizationId, Provider, Upload,
    UploadId, Usage, UsageTotal, UserId,
    ports::{ContentQueries, StoreResult, UploadListQuery, UsageFilter},
};

use super::{MemoryStore, images};

#[async_trait]
impl ContentQueries for MemoryStore {
    async fn upload(&self, tenant: OrganizationId, id: UploadId) -> StoreResult<Option<Upload>> {
        Ok(self.shared.read()?.uploads.find(tenant, &id).cloned())
    }

    async fn uploads(
        &self,
        tenant: OrganizationId,
        query: &UploadListQuery,
    ) -> StoreResult<Vec<Upload>> {
        let state = self.shared.read()?;
        let place = |upload: &Upload| (upload.created_at, upload.id);
        let is_behind = |upload: &&Upload| match query.after {
            Some(after) if query.newest_first => place(upload) < after,
            Some(after) => place(upload) > after,
            None => true,
        };
        let wanted = state.uploads.of(tenant).filter(|upload| {
            upload.user == query.user
                && upload.expires_at > query.alive_at
                && query.purpose.is_none_or(|purpose| upload.purpose == purpose)
        });
        let mut found: Vec<Upload> = wanted.filter(is_behind).cloned().collect();
        found.sort_by_key(place);
        if query.newest_first {
            found.reverse();
        }
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn image_by_key(&self, key: &str) -> StoreResult<Option<Image>> {
        let state = self.shared.read()?;
        Ok(state.images.rows().find(|image| image.key.expose() == key).cloned())
    }

    async fn images(
        &self,
        tenant: OrganizationId,
        user: Option<UserId>,
        before: Option<ImageId>,
        limit: u32,
    ) -> StoreResult<Vec<Image>> {
        let state = self.shared.read()?;
        let newest_first = state.images.of(tenant).rev();
        let wanted = newest_first
            .filter(|image| matches!(image.origin, ImageOrigin::Generated { .. }))
            .filter(|image| user.is_none_or(|user| image.user == user))
            .filter(|image| before.is_none_or(|before| image.id < before));
        Ok(wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn avatar(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Image>> {
        Ok(images::avatar(&*self.shared.read()?, tenant, assistant).cloned())
    }

    async fn extraction(
        &self,
        tenant: OrganizationId,
        source: Digest,
    ) -> StoreResult<Option<Extraction>> {
        Ok(self.shared.read()?.extractions.get(&(tenant, source)).cloned())
    }

    async fn providers(&self, tenant: OrganizationId) -> StoreResult<Vec<Provider>> {
        let state = self.shared.read()?;
        let mut providers: Vec<Provider> = state.providers.of(tenant).cloned().collect();
        providers.sort_by_key(|provider| (provider.priority, provider.name.to_lowercase()));
        Ok(providers)
    }

    async fn usage(
        &self,
        tenant: OrganizationId,
        filter: &UsageFilter,
    ) -> StoreResult<Vec<UsageTotal>> {
        let state = self.shared.read()?;
        let wanted = state.usage.of(tenant).filter(|usage| {
            (filter.from..filter.until).contains(&usage.at)
                && filter.user.is_none_or(|user| usage.user == user)
        });
        let mut totals = BTreeMap::new();
        for usage in wanted {
            add(totals.entry(group(usage)).or_insert_with(|| nothing(usage)), usage);
        }
        Ok(totals.into_values().collect())
    }
}

/// What is counted together: day, user, assistant, kind, provider and model.
type Group = (String, UserId, Option<AssistantId>, String, String, String);

fn day(usage: &Usage) -> String {
    usage.at.to_rfc3339().chars().take_while(|c| *c != 'T').collect()
}

fn group(usage: &Usage) -> Group {
    let Usage { user, assistant, kind, provider, model, .. } = usage.clone();
    (day(usage), user, assistant, kind, provider, model)
}

/// What the total of uses like this one begins with.
fn nothing(usage: &Usage) -> UsageTotal {
    let Usage { user, assistant, kind, provider, model, .. } = usage.clone();
    UsageTotal {
        day: day(usage),
        user,
        assistant,
        kind,
        provider,
        model,
        count: 0,
        quantity: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost_micros: 0,
    }
}

fn add(total: &mut UsageTotal, usage: &Usage) {
    total.count += 1;
    total.quantity += usage.quantity;
    total.input_tokens += usage.input_tokens;
    total.output_tokens += usage.output_tokens;
    total.cost_micros += usage.cost_micros;
}
