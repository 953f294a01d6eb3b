//! Comments, and until when they were read.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    dsl::SqlTypeOf,
    pg::Pg,
    sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, Comment, CommentId, OrganizationId, Timestamp, UserId,
    comment::CommentSummary,
    ports::{CommentListQuery, CommentQueries, CommentRepository, StoreError, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{comment_reads, comments},
    sql::{Sql, prepared},
    store::PgStore,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::{Key, Moment},
};

/// A comment as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = comments, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct Row {
    organization_id: Key,
    id: Key,
    assistant_id: Key,
    parent_id: Option<Key>,
    author: Key,
    message: String,
    pointer: Option<String>,
    resolved_at: Option<Moment>,
    resolved_by: Option<Key>,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
}

/// A comment with its author's name and the number of its replies.
type SummaryRow = (Row, String, i64);

/// The SQL types of a [`SummaryRow`].
type SummaryTypes = (SqlTypeOf<<Row as Selectable<Pg>>::SelectExpression>, Text, BigInt);

/// Begins a statement for summaries; a condition on `c` follows.
const SUMMARIES: &str = "SELECT c.organization_id, c.id, c.assistant_id, c.parent_id, c.author, \
    c.message, c.pointer, c.resolved_at, c.resolved_by, c.created_at, c.updated_at, c.revision, \
    coalesce(u.name, ''), \
    (SELECT count(*) FROM comments r \
     WHERE r.organization_id = c.organization_id AND r.parent_id = c.id) \
    FROM comments c \
    LEFT JOIN users u ON u.organization_id = c.organization_id AND u.id = c.author \
    WHERE c.organization_id = ?";

impl From<&Comment> for Row {
    fn from(comment: &Comment) -> Self {
        Self {
            organization_id: comment.organization.into(),
            id: comment.id.into(),
            assistant_id: comment.assistant.into(),
            parent_id: comment.parent.map(Key::from),
            author: comment.author.into(),
            message: comment.message.clone(),
            pointer: comment.pointer.clone(),
            resolved_at: comment.resolved.map(|(at, _)| Moment(at)),
            resolved_by: comment.resolved.map(|(_, user)| user.into()),
            created_at: Moment(comment.created_at),
            updated_at: Moment(comment.updated_at),
            revision: comment.revision,
        }
    }
}

impl From<Row> for Comment {
    fn from(row: Row) -> Self {
        // The table takes both or neither.
        let resolved = row.resolved_at.zip(row.resolved_by);
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            assistant: row.assistant_id.id(),
            parent: row.parent_id.map(Key::id),
            author: row.author.id(),
            message: row.message,
            pointer: row.pointer,
            resolved: resolved.map(|(at, user)| (at.0, user.id())),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}

fn summary((row, author_name, replies): SummaryRow) -> StoreResult<CommentSummary> {
    let replies = u64::try_from(replies).map_err(corrupt("comments"))?;
    Ok(CommentSummary { comment: row.into(), author_name, replies })
}

/// The statement for a list, its end beside it as text: few, so they stay prepared.
fn page(tenant: OrganizationId, query: &CommentListQuery) -> Sql<SummaryTypes> {
    let CommentListQuery { assistant, parent, newest_first, resolved, after, limit } = *query;
    let statement = Sql::new(SUMMARIES)
        .bind::<SqlUuid, _>(Key::from(tenant))
        .then(" AND c.assistant_id = ?")
        .bind::<SqlUuid, _>(Key::from(assistant));
    let statement = match parent {
        Some(parent) => {
            statement.then(" AND c.parent_id = ?").bind::<SqlUuid, _>(Key::from(parent))
        }
        None => statement.then(" AND c.parent_id IS NULL"),
    };
    let statement = match resolved {
        Some(true) => statement.then(" AND c.resolved_at IS NOT NULL"),
        Some(false) => statement.then(" AND c.resolved_at IS NULL"),
        None => statement,
    };
    // Neither the nil UUID nor the largest is a comment's.
    let (beginning, order) = if newest_first {
        (Uuid::max(), " AND c.id < ? ORDER BY c.id DESC LIMIT ?")
    } else {
        (Uuid::nil(), " AND c.id > ? ORDER BY c.id LIMIT ?")
    };
    statement
        .then(order)
        .bind::<SqlUuid, _>(after.map_or(Key(beginning), Key::from))
        .bind::<BigInt, _>(i64::from(limit))
}

#[async_trait]
impl CommentRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.comments.find", skip_all, fields(comment.id = %id))]
    async fn find(&mut self, id: CommentId) -> StoreResult<Option<Comment>> {
        // NO KEY: others may still reply to it.
        let row: Option<Row> = comments::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("comments"))?;
        Ok(row.map(Comment::from))
    }

    #[tracing::instrument(name = "db.comments.insert", skip_all, fields(comment.id = %comment.id))]
    async fn insert(&mut self, comment: &Comment) -> StoreResult<()> {
        prepared(diesel::insert_into(comments::table).values(Row::from(comment)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("comments"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.comments.update", skip_all, fields(comment.id = %comment.id))]
    async fn update(&mut self, mut comment: Comment) -> StoreResult<Comment> {
        let read = comment.revision;
        comment.revision += 1;
        let unchanged = comments::table
            .find((self.tenant(), Key::from(comment.id)))
            .filter(comments::revision.eq(read));
        let updated = prepared(diesel::update(unchanged).set(Row::from(&comment)))
            .execute(self.conn()?)
            .await;
        if updated.map_err(on_write("comments"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(comment)
    }

    #[tracing::instrument(name = "db.comments.delete", skip_all, fields(comment.id = %id))]
    async fn delete(&mut self, id: CommentId) -> StoreResult<bool> {
        // Replies go with their foreign key.
        let comment = comments::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(comment).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("comments"))? == 1)
    }

    #[tracing::instrument(name = "db.comments.count", skip_all)]
    async fn count(&mut self, assistant: AssistantId) -> StoreResult<u64> {
        let count: i64 = comments::table
            .filter(comments::organization_id.eq(self.tenant()))
            .filter(comments::assistant_id.eq(Key::from(assistant)))
            .count()
            .get_result(self.conn()?)
            .await
            .map_err(on_read("comments"))?;
        u64::try_from(count).map_err(corrupt("comments"))
    }

    #[tracing::instrument(name = "db.comments.mark_read", skip_all)]
    async fn mark_read(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        until: Timestamp,
    ) -> StoreResult<()> {
        Sql::<()>::new(
            "INSERT INTO comment_reads (organization_id, user_id, assistant_id, read_until) \
             VALUES (?, ?, ?, ?) ON CONFLICT (organization_id, user_id, assistant_id) DO UPDATE \
             SET read_until = greatest(comment_reads.read_until, excluded.read_until)",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .bind::<SqlUuid, _>(Key::from(user))
        .bind::<SqlUuid, _>(Key::from(assistant))
        .bind::<Timestamptz, _>(Moment(until))
        .execute(self.conn()?)
        .await
        .map_err(on_write("comment_reads"))?;
        Ok(())
    }
}

#[async_trait]
impl CommentQueries for PgStore {
    #[tracing::instrument(name = "db.comments.read", skip_all, fields(comment.id = %id))]
    async fn find(
        &self,
        tenant: OrganizationId,
        id: CommentId,
    ) -> StoreResult<Option<CommentSummary>> {
        let one = Sql::<SummaryTypes>::new(SUMMARIES)
            .bind::<SqlUuid, _>(Key::from(tenant))
            .then(" AND c.id = ?")
            .bind::<SqlUuid, _>(Key::from(id));
        let rows: Vec<SummaryRow> = Transaction::read(&self.connections, tenant, one)
            .await?
            .map_err(on_read("comments"))?;
        rows.into_iter().next().map(summary).transpose()
    }

    #[tracing::instrument(name = "db.comments.list", skip_all)]
    async fn list(
        &self,
        tenant: OrganizationId,
        query: &CommentListQuery,
    ) -> StoreResult<Vec<CommentSummary>> {
        let page = page(tenant, query);
        let rows: Vec<SummaryRow> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("comments"))?;
        rows.into_iter().map(summary).collect()
    }

    #[tracing::instrument(name = "db.comments.read_until", skip_all)]
    async fn read_until(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        let note = comment_reads::table
            .find((Key::from(tenant), Key::from(user), Key::from(assistant)))
            .select(comment_reads::read_until);
        let times: Vec<Moment> = Transaction::read(&self.connections, tenant, note)
            .await?
            .map_err(on_read("comment_reads"))?;
        Ok(times.into_iter().next().map(|until| until.0))
    }

    #[tracing::instrument(name = "db.comments.unread", skip_all)]
    async fn unread(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<u64> {
        let (tenant_key, user) = (Key::from(tenant), Key::from(user));
        let unread = Sql::<BigInt>::new(
            "SELECT count(*) FROM comments c \
             WHERE c.organization_id = ? AND c.assistant_id = ? AND c.author <> ? \
             AND c.created_at > coalesce((SELECT r.read_until FROM comment_reads r \
             WHERE r.organization_id = ? AND r.user_id = ? AND r.assistant_id = ?), '-infinity')",
        )
        .bind::<SqlUuid, _>(tenant_key)
        .bind::<SqlUuid, _>(Key::from(assistant))
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(tenant_key)
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(Key::from(assistant));
        let counts: Vec<i64> = Transaction::read(&self.connections, tenant, unread)
            .await?
            .map_err(on_read("comments"))?;
        u64::try_from(counts.into_iter().next().unwrap_or_default()).map_err(corrupt("comments"))
    }
}
