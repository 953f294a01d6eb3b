//! Comments, and who has read them.

use async_trait::async_trait;
use understudy_domain::{
    AssistantId, Comment, CommentId, OrganizationId, Timestamp, UserId,
    comment::CommentSummary,
    ports::{CommentListQuery, CommentQueries, CommentRepository, StoreError, StoreResult},
};

use super::{MemoryStore, labels::Marked, queries::total, state::State, work::MemoryUnitOfWork};

#[async_trait]
impl CommentRepository for MemoryUnitOfWork {
    async fn find(&mut self, id: CommentId) -> StoreResult<Option<Comment>> {
        Ok(self.state.comments.find(self.tenant, &id).cloned())
    }

    async fn insert(&mut self, comment: &Comment) -> StoreResult<()> {
        let is_there = |id| self.state.comments.find(self.tenant, &id).is_some();
        if !comment.parent.is_none_or(is_there) {
            return Err(StoreError::Conflict);
        }
        self.state.comments.insert(self.tenant, comment.id, comment.clone())
    }

    async fn update(&mut self, mut comment: Comment) -> StoreResult<Comment> {
        let stored = self.state.comments.find(self.tenant, &comment.id);
        if stored.is_none_or(|stored| stored.revision != comment.revision) {
            return Err(StoreError::Conflict);
        }
        comment.revision += 1;
        self.state.comments.put(comment.id, comment.clone());
        Ok(comment)
    }

    async fn delete(&mut self, id: CommentId) -> StoreResult<bool> {
        if !self.state.comments.delete(self.tenant, &id) {
            return Ok(false);
        }
        self.state.comments.retain(|comment| comment.parent != Some(id));
        Ok(true)
    }

    async fn count(&mut self, assistant: AssistantId) -> StoreResult<u64> {
        let comments = self.state.comments.of(self.tenant);
        Ok(total(comments.filter(|comment| comment.assistant == assistant).count()))
    }

    async fn mark_read(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        until: Timestamp,
    ) -> StoreResult<()> {
        let (organization, key) = (self.tenant, (user, assistant));
        let at = self.state.read.find(organization, &key).map_or(until, |mark| mark.at.max(until));
        self.state.read.put(key, Marked { organization, user, at });
        Ok(())
    }
}

#[async_trait]
impl CommentQueries for MemoryStore {
    async fn find(
        &self,
        tenant: OrganizationId,
        id: CommentId,
    ) -> StoreResult<Option<CommentSummary>> {
        let state = self.shared.read()?;
        Ok(state.comments.find(tenant, &id).map(|comment| summary(&state, comment)))
    }

    async fn list(
        &self,
        tenant: OrganizationId,
        query: &CommentListQuery,
    ) -> StoreResult<Vec<CommentSummary>> {
        let state = self.shared.read()?;
        let wanted = state.comments.of(tenant).filter(|comment| matches(query, comment));
        let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let summaries = wanted.map(|comment| summary(&state, comment));
        Ok(if query.newest_first {
            summaries.rev().take(most).collect()
        } else {
            summaries.take(most).collect()
        })
    }

    async fn read_until(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        Ok(self.shared.read()?.read.find(tenant, &(user, assistant)).map(|mark| mark.at))
    }

    async fn unread(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<u64> {
        let state = self.shared.read()?;
        let read = state.read.find(tenant, &(user, assistant));
        let is_unread = |comment: &&Comment| {
            comment.assistant == assistant
                && comment.author != user
                && read.is_none_or(|mark| comment.created_at > mark.at)
        };
        Ok(total(state.comments.of(tenant).filter(is_unread).count()))
    }
}

fn matches(query: &CommentListQuery, comment: &Comment) -> bool {
    let is_behind = |after: CommentId| {
        if query.newest_first { comment.id < after } else { comment.id > after }
    };
    comment.assistant == query.assistant
        && comment.parent == query.parent
        && query.resolved.is_none_or(|resolved| comment.resolved.is_some() == resolved)
        && query.after.is_none_or(is_behind)
}

fn summary(state: &State, comment: &Comment) -> CommentSummary {
    let author = state.users.find(comment.organization, &comment.author);
    let comments = state.comments.of(comment.organization);
    CommentSummary {
        comment: comment.clone(),
        author_name: author.map(|author| author.name.clone()).unwrap_or_default(),
        replies: total(comments.filter(|reply| reply.parent == Some(comment.id)).count()),
    }
}
