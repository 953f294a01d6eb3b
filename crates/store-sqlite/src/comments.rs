//! Comments, and who has read them.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection,
    sql_types::{BigInt, Text},
};
use understudy_domain::{
    AssistantId, Comment, CommentId, OrganizationId, Timestamp, UserId,
    comment::CommentSummary,
    ports::{CommentListQuery, CommentQueries, CommentRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{comment_reads, comments},
    sql::Sql,
    store::SqliteStore,
    unit_of_work::SqliteUnitOfWork,
    values::{Key, Micros},
};

/// A comment as it is stored, in the order of columns.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = comments, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct Row {
    organization_id: Key,
    id: Key,
    assistant_id: Key,
    parent_id: Option<Key>,
    author: Key,
    message: String,
    pointer: Option<String>,
    resolved_at: Option<Micros>,
    resolved_by: Option<Key>,
    created_at: Micros,
    updated_at: Micros,
    revision: i64,
}

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
            resolved_at: comment.resolved.map(|(at, _)| Micros(at)),
            resolved_by: comment.resolved.map(|(_, by)| by.into()),
            created_at: Micros(comment.created_at),
            updated_at: Micros(comment.updated_at),
            revision: comment.revision,
        }
    }
}

impl From<Row> for Comment {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            assistant: row.assistant_id.id(),
            parent: row.parent_id.map(Key::id),
            author: row.author.id(),
            message: row.message,
            pointer: row.pointer,
            resolved: row.resolved_at.zip(row.resolved_by).map(|(at, by)| (at.0, by.id())),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}

/// The columns of [`summaries`].
type Columns = (comments::SqlType, Text, BigInt);

fn summary((row, author_name, replies): (Row, String, i64)) -> StoreResult<CommentSummary> {
    let replies = u64::try_from(replies).map_err(corrupt("comments"))?;
    Ok(CommentSummary { comment: row.into(), author_name, replies })
}

/// Begins a statement that gives comments `c` as lists show them.
fn summaries<R>() -> Sql<R> {
    Sql::new(
        "SELECT c.organization_id, c.id, c.assistant_id, c.parent_id, c.author, c.message, \
         c.pointer, c.resolved_at, c.resolved_by, c.created_at, c.updated_at, c.revision, \
         ifnull((SELECT u.name FROM users u \
         WHERE u.organization_id = c.organization_id AND u.id = c.author), ''), \
         (SELECT count(*) FROM comments r \
         WHERE r.organization_id = c.organization_id AND r.parent_id = c.id) FROM comments c",
    )
}

/// The rows of a list.
pub(crate) fn page<R>(tenant: Key, query: &CommentListQuery) -> Sql<R> {
    let mut sql = summaries();
    sql.text(" INDEXED BY comments_in_order WHERE c.organization_id = ").word(tenant.text());
    sql.text(" AND c.assistant_id = ").word(Key::from(query.assistant).text());
    match query.parent {
        Some(parent) => sql.text(" AND c.parent_id = ").word(Key::from(parent).text()),
        None => sql.text(" AND c.parent_id IS NULL"),
    };
    sql.text(" AND ifnull((c.resolved_at IS NOT NULL) = ").number(query.resolved.map(i64::from));
    sql.text(", 1)");
    if let Some(after) = query.after {
        sql.text(if query.newest_first { " AND c.id < " } else { " AND c.id > " });
        sql.word(Key::from(after).text());
    }
    sql.text(if query.newest_first {
        " ORDER BY c.id DESC LIMIT "
    } else {
        " ORDER BY c.id LIMIT "
    });
    sql.number(i64::from(query.limit));
    sql
}

fn find(
    conn: &mut SqliteConnection,
    tenant: Key,
    id: CommentId,
) -> StoreResult<Option<CommentSummary>> {
    let mut sql = summaries::<Columns>();
    sql.text(" WHERE c.organization_id = ").word(tenant.text());
    sql.text(" AND c.id = ").word(Key::from(id).text());
    let row = sql.get_result::<(Row, String, i64)>(conn).optional();
    row.map_err(on_read("comments"))?.map(summary).transpose()
}

/// How many of others the user has not read.
pub(crate) fn unread(tenant: Key, user: UserId, assistant: AssistantId) -> Sql<BigInt> {
    let (user, assistant) = (Key::from(user).text(), Key::from(assistant).text());
    let mut sql = Sql::new(
        "SELECT count(*) FROM comments INDEXED BY comments_by_age WHERE organization_id = ",
    );
    sql.word(tenant.text()).text(" AND assistant_id = ").word(assistant.clone());
    sql.text(" AND created_at > ifnull((SELECT read_until FROM comment_reads");
    sql.text(" WHERE organization_id = ").word(tenant.text());
    sql.text(" AND user_id = ").word(user.clone()).text(" AND assistant_id = ").word(assistant);
    // Before every time that a calendar has.
    sql.text("), ").number(i64::MIN).text(") AND author <> ").word(user);
    sql
}

fn mark_read(
    conn: &mut SqliteConnection,
    tenant: Key,
    (user, assistant): (UserId, AssistantId),
    until: Timestamp,
) -> StoreResult<()> {
    let mut upsert = Sql::<()>::new(
        "INSERT INTO comment_reads (organization_id, user_id, assistant_id, read_until) VALUES (",
    );
    upsert.word(tenant.text()).text(", ").word(Key::from(user).text()).text(", ");
    upsert.word(Key::from(assistant).text()).text(", ").number(until.unix_micros());
    upsert.text(") ON CONFLICT DO UPDATE SET read_until = max(read_until, excluded.read_until)");
    upsert.execute(conn).map_err(on_write("comment_reads"))?;
    Ok(())
}

#[async_trait]
impl CommentRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: CommentId) -> StoreResult<Option<Comment>> {
        let tenant = self.tenant();
        self.run("comments.find", move |conn| {
            let comment = comments::table.find((tenant, Key::from(id)));
            let row = comment.select(Row::as_select()).first(conn).optional();
            Ok(row.map_err(on_read("comments"))?.map(Comment::from))
        })
        .await
    }

    async fn insert(&mut self, comment: &Comment) -> StoreResult<()> {
        self.check_tenant("comments", comment.organization)?;
        let row = Row::from(comment);
        self.run("comments.insert", move |conn| {
            diesel::insert_into(comments::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("comments"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut comment: Comment) -> StoreResult<Comment> {
        self.check_tenant("comments", comment.organization)?;
        let tenant = self.tenant();
        self.run("comments.update", move |conn| {
            let read = comment.revision;
            comment.revision += 1;
            let unchanged = comments::table
                .find((tenant, Key::from(comment.id)))
                .filter(comments::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&comment)).execute(conn);
            match updated.map_err(on_write("comments"))? {
                1 => Ok(comment),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: CommentId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("comments.delete", move |conn| {
            // Replies go with their foreign key.
            let comment = comments::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(comment).execute(conn);
            Ok(deleted.map_err(on_write("comments"))? == 1)
        })
        .await
    }

    async fn count(&mut self, assistant: AssistantId) -> StoreResult<u64> {
        let tenant = self.tenant();
        self.run("comments.count", move |conn| {
            let count: i64 = comments::table
                .filter(comments::organization_id.eq(tenant))
                .filter(comments::assistant_id.eq(Key::from(assistant)))
                .count()
                .get_result(conn)
                .map_err(on_read("comments"))?;
            u64::try_from(count).map_err(corrupt("comments"))
        })
        .await
    }

    async fn mark_read(
        &mut self,
        user: UserId,
        assistant: AssistantId,
        until: Timestamp,
    ) -> StoreResult<()> {
        let tenant = self.tenant();
        self.run("comments.mark_read", move |conn| {
            mark_read(conn, tenant, (user, assistant), until)
        })
        .await
    }
}

#[async_trait]
impl CommentQueries for SqliteStore {
    async fn find(
        &self,
        tenant: OrganizationId,
        id: CommentId,
    ) -> StoreResult<Option<CommentSummary>> {
        self.readers.run("comments.find", move |conn| find(conn, tenant.into(), id)).await
    }

    async fn list(
        &self,
        tenant: OrganizationId,
        query: &CommentListQuery,
    ) -> StoreResult<Vec<CommentSummary>> {
        let page = page::<Columns>(tenant.into(), query);
        self.readers
            .run("comments.list", move |conn| {
                let rows = page.load::<(Row, String, i64)>(conn).map_err(on_read("comments"))?;
                rows.into_iter().map(summary).collect()
            })
            .await
    }

    async fn read_until(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Timestamp>> {
        let key = (Key::from(tenant), Key::from(user), Key::from(assistant));
        self.readers
            .run("comments.read_until", move |conn| {
                let until = comment_reads::table.find(key).select(comment_reads::read_until);
                let until = until.first::<Micros>(conn).optional();
                Ok(until.map_err(on_read("comment_reads"))?.map(|until| until.0))
            })
            .await
    }

    async fn unread(
        &self,
        tenant: OrganizationId,
        user: UserId,
        assistant: AssistantId,
    ) -> StoreResult<u64> {
        self.readers
            .run("comments.unread", move |conn| {
                let count = unread(tenant.into(), user, assistant).get_result::<i64>(conn);
                u64::try_from(count.map_err(on_read("comments"))?).map_err(corrupt("comments"))
            })
            .await
    }
}
