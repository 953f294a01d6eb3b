//! Reading rules.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl, SelectableHelper,
    SqliteConnection, dsl::auto_type, sql_types::BigInt,
};
use understudy_domain::{
    OrganizationId, Rule, RuleAttachment, RuleEntity, RuleId,
    ports::{Page, RuleListQuery, RuleQueries, StoreResult},
};

use super::{AttachmentRow, Row, find};
use crate::{
    errors::{corrupt, on_read},
    schema::{rule_attachments, rules},
    sql::Sql,
    store::SqliteStore,
    values::Key,
};

/// Which rules match, without regard to the page. All conditions are always there,
/// so that there are few statements.
fn matching<R>(sql: &mut Sql<R>, tenant: Key, query: &RuleListQuery) {
    let filter = &query.filter;
    sql.text("organization_id = ").word(tenant.text());
    sql.text(" AND (").word(filter.q.clone()).text(" IS NULL OR instr(name_key, ");
    sql.word(filter.q.clone()).text(") > 0 OR instr(description_key, ");
    sql.word(filter.q.clone()).text(") > 0) AND ifnull(category = ");
    sql.word(filter.category.map(|category| category.as_str().to_owned()));
    sql.text(", 1) AND ifnull(kind = ").word(filter.kind.map(|kind| kind.as_str().to_owned()));
    sql.text(", 1) AND ifnull(is_active = ").number(filter.is_active.map(i64::from));
    sql.text(", 1) AND is_public >= ").number(i64::from(filter.public_only));
}

/// The rows of a list, one more than its limit.
pub(crate) fn page<R>(tenant: Key, query: &RuleListQuery) -> Sql<R> {
    let mut sql = Sql::new(
        "SELECT organization_id, id, name, name_key, description, description_key, category, \
         kind, scope, apply_mode, is_public, is_active, version, created_by, created_at, \
         updated_at, content FROM rules INDEXED BY rules_by_name WHERE ",
    );
    matching(&mut sql, tenant, query);
    // No two have one name, and none has the empty one.
    let after = query.after.as_ref().map_or_else(String::new, |(name, _)| name.clone());
    sql.text(" AND name_key > ").word(after);
    sql.text(" ORDER BY name_key LIMIT ").number(i64::from(query.limit) + 1);
    sql
}

fn list(
    conn: &mut SqliteConnection,
    tenant: Key,
    query: &RuleListQuery,
) -> StoreResult<Page<Rule>> {
    let rows: Vec<Row> =
        page::<rules::SqlType>(tenant, query).load(conn).map_err(on_read("rules"))?;
    let mut rows = rows.into_iter().map(Rule::try_from).collect::<StoreResult<Vec<Rule>>>()?;
    let limit = usize::try_from(query.limit).map_err(corrupt("rules"))?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let total = query.count.then(|| total(conn, tenant, query)).transpose()?;
    Ok(Page { rows, more, total })
}

fn total(conn: &mut SqliteConnection, tenant: Key, query: &RuleListQuery) -> StoreResult<u64> {
    let mut count = Sql::<BigInt>::new("SELECT count(*) FROM rules WHERE ");
    matching(&mut count, tenant, query);
    let count: i64 = count.get_result(conn).map_err(on_read("rules"))?;
    u64::try_from(count).map_err(corrupt("rules"))
}

fn attachments(
    conn: &mut SqliteConnection,
    tenant: Key,
    rule: RuleId,
) -> StoreResult<Vec<RuleAttachment>> {
    let rows: Vec<AttachmentRow> = rule_attachments::table
        .filter(rule_attachments::organization_id.eq(tenant))
        .filter(rule_attachments::rule_id.eq(Key::from(rule)))
        .order((rule_attachments::entity_kind, rule_attachments::entity_id))
        .select(AttachmentRow::as_select())
        .load(conn)
        .map_err(on_read("rule_attachments"))?;
    rows.into_iter().map(RuleAttachment::try_from).collect()
}

/// Attachments, each beside its rule.
#[auto_type(no_type_alias)]
pub(crate) fn attached() -> _ {
    rule_attachments::table.inner_join(
        rules::table.on(rules::organization_id
            .eq(rule_attachments::organization_id)
            .and(rules::id.eq(rule_attachments::rule_id))),
    )
}

fn attached_to(
    conn: &mut SqliteConnection,
    tenant: OrganizationId,
    entities: BTreeSet<RuleEntity>,
) -> StoreResult<Vec<(Rule, RuleAttachment)>> {
    let mut found = Vec::new();
    for entity in entities {
        let rows: Vec<(Row, AttachmentRow)> = attached()
            .filter(rule_attachments::organization_id.eq(Key::from(tenant)))
            .filter(rule_attachments::entity_kind.eq(entity.kind()))
            .filter(rule_attachments::entity_id.eq(entity.id(tenant)))
            .select((Row::as_select(), AttachmentRow::as_select()))
            .load(conn)
            .map_err(on_read("rule_attachments"))?;
        for (rule, attachment) in rows {
            found.push((rule.try_into()?, attachment.try_into()?));
        }
    }
    Ok(found)
}

#[async_trait]
impl RuleQueries for SqliteStore {
    async fn list(&self, tenant: OrganizationId, query: &RuleListQuery) -> StoreResult<Page<Rule>> {
        let query = query.clone();
        self.readers
            .run_consistently("rules.list", move |conn| list(conn, tenant.into(), &query))
            .await
    }

    async fn find(&self, tenant: OrganizationId, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let ids = ids.to_vec();
        self.readers.run("rules.find", move |conn| find(conn, tenant.into(), ids)).await
    }

    async fn attachments(
        &self,
        tenant: OrganizationId,
        rule: RuleId,
    ) -> StoreResult<Vec<RuleAttachment>> {
        self.readers
            .run("rules.attachments", move |conn| attachments(conn, tenant.into(), rule))
            .await
    }

    async fn attached_to(
        &self,
        tenant: OrganizationId,
        entities: &[RuleEntity],
    ) -> StoreResult<Vec<(Rule, RuleAttachment)>> {
        let entities = entities.iter().cloned().collect();
        self.readers
            .run_consistently("rules.attached_to", move |conn| attached_to(conn, tenant, entities))
            .await
    }
}
