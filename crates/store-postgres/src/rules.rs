//! Rules, and what they are attached to beside assistants.

use async_trait::async_trait;
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl, QueryDsl,
    Queryable, Selectable, SelectableHelper,
    pg::Pg,
    sql_types::{Array, BigInt, Bool, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId, Content, OrganizationId, Rule, RuleAttachment, RuleEntity, RuleId,
    ports::{
        Page, RuleFilter, RuleListQuery, RuleQueries, RuleRepository, StoreError, StoreResult,
    },
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
};

use crate::{
    directory::strpos,
    errors::{corrupt, on_read, on_write},
    schema::{rule_attachments, rules},
    sql::{Sql, prepared},
    store::PgStore,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::{Json, Key, Moment, comparable},
};

/// A rule as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rules, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    description: Option<String>,
    description_key: String,
    content: String,
    category: String,
    kind: String,
    scope: String,
    apply_mode: String,
    is_public: bool,
    is_active: bool,
    version: i64,
    created_by: Key,
    created_at: Moment,
    updated_at: Moment,
}

impl From<&Rule> for Row {
    fn from(rule: &Rule) -> Self {
        Self {
            organization_id: rule.organization.into(),
            id: rule.id.into(),
            name: rule.name.clone(),
            name_key: rule.name.to_lowercase(),
            description: rule.description.clone(),
            description_key: rule.description.as_deref().unwrap_or_default().to_lowercase(),
            content: rule.content.clone(),
            category: rule.category.as_str().to_owned(),
            kind: rule.kind.as_str().to_owned(),
            scope: rule.scope.as_str().to_owned(),
            apply_mode: rule.apply_mode.as_str().to_owned(),
            is_public: rule.is_public,
            is_active: rule.is_active,
            version: rule.version,
            created_by: rule.created_by.into(),
            created_at: Moment(rule.created_at),
            updated_at: Moment(rule.updated_at),
        }
    }
}

fn known<T>(word: Option<T>) -> StoreResult<T> {
    word.ok_or_else(|| corrupt("rules")("a rule has a word that no rule has"))
}

impl TryFrom<Row> for Rule {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            name: row.name,
            description: row.description,
            content: row.content,
            category: known(RuleCategory::from_word(&row.category))?,
            kind: known(RuleType::from_word(&row.kind))?,
            scope: known(RuleScope::from_word(&row.scope))?,
            apply_mode: known(ApplyMode::from_word(&row.apply_mode))?,
            is_public: row.is_public,
            is_active: row.is_active,
            version: row.version,
            created_by: row.created_by.id(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

/// An attachment as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = rule_attachments, check_for_backend(diesel::pg::Pg))]
struct AttachmentRow {
    organization_id: Key,
    rule_id: Key,
    entity_kind: String,
    entity_id: String,
    priority: i16,
    character_limit: i64,
    is_active: bool,
    attached_at: Moment,
    attached_by: Key,
}

impl TryFrom<AttachmentRow> for RuleAttachment {
    type Error = StoreError;

    fn try_from(row: AttachmentRow) -> Result<Self, StoreError> {
        let corrupt_number = corrupt("rule_attachments");
        let organization = row.organization_id.id();
        let entity = RuleEntity::read(organization, &row.entity_kind, &row.entity_id);
        Ok(Self {
            organization,
            rule: row.rule_id.id(),
            entity: entity
                .ok_or_else(|| corrupt("rule_attachments")("a rule is attached to nothing"))?,
            priority: u8::try_from(row.priority).map_err(&corrupt_number)?,
            character_limit: u32::try_from(row.character_limit).map_err(&corrupt_number)?,
            is_active: row.is_active,
            attached_at: row.attached_at.0,
            attached_by: row.attached_by.id(),
        })
    }
}

/// The rules of an organization that the filter lets through.
fn matching(tenant: OrganizationId, filter: &RuleFilter) -> rules::BoxedQuery<'static, Pg> {
    let RuleFilter { q, category, kind, is_active, public_only } = filter;
    let mut found = rules::table.filter(rules::organization_id.eq(Key::from(tenant))).into_boxed();
    if let Some(q) = q {
        let q = comparable(q.clone());
        let described = strpos(rules::description_key, q.clone()).gt(0);
        found = found.filter(strpos(rules::name_key, q).gt(0).or(described));
    }
    if let Some(category) = category {
        found = found.filter(rules::category.eq(category.as_str()));
    }
    if let Some(kind) = kind {
        found = found.filter(rules::kind.eq(kind.as_str()));
    }
    if let Some(is_active) = is_active {
        found = found.filter(rules::is_active.eq(*is_active));
    }
    if *public_only {
        found = found.filter(rules::is_public.eq(true));
    }
    found
}

#[async_trait]
impl RuleRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.rules.find", skip_all)]
    async fn find(&mut self, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        // Locked in this order: whoever else locks some of them does so likewise.
        let rows: Vec<Row> = rules::table
            .filter(rules::organization_id.eq(self.tenant()))
            .filter(rules::id.eq_any(ids))
            .order(rules::id)
            .select(Row::as_select())
            .for_no_key_update()
            .load(self.conn()?)
            .await
            .map_err(on_read("rules"))?;
        rows.into_iter().map(Rule::try_from).collect()
    }

    #[tracing::instrument(name = "db.rules.insert", skip_all, fields(rule.id = %rule.id))]
    async fn insert(&mut self, rule: &Rule) -> StoreResult<()> {
        prepared(diesel::insert_into(rules::table).values(Row::from(rule)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("rules"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.rules.update", skip_all, fields(rule.id = %rule.id))]
    async fn update(&mut self, mut rule: Rule) -> StoreResult<Rule> {
        let read = rule.version;
        rule.version += 1;
        let unchanged =
            rules::table.find((self.tenant(), Key::from(rule.id))).filter(rules::version.eq(read));
        let updated =
            prepared(diesel::update(unchanged).set(Row::from(&rule))).execute(self.conn()?).await;
        if updated.map_err(on_write("rules"))? == 1 { Ok(rule) } else { Err(StoreError::Conflict) }
    }

    #[tracing::instrument(name = "db.rules.delete", skip_all, fields(rule.id = %id))]
    async fn delete(&mut self, id: RuleId) -> StoreResult<bool> {
        // Attachments go with their foreign key.
        let rule = rules::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(rule).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("rules"))? == 1)
    }

    #[tracing::instrument(name = "db.rules.assistants_with", skip_all, fields(rule.id = %id))]
    async fn assistants_with(&mut self, id: RuleId) -> StoreResult<Vec<AssistantId>> {
        // A rare question, so there is no index. Other parts of a content may hold
        // the text as well, so what has it is looked at.
        let rows = Sql::<(SqlUuid, diesel::sql_types::Json)>::new(
            "SELECT id, content FROM assistants \
             WHERE organization_id = ? AND strpos(content::text, ?) > 0 ORDER BY id",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .bind::<Text, _>(id.to_string())
        .load::<(Key, Json<Content>)>(self.conn()?)
        .await
        .map_err(on_read("assistants"))?;
        let having =
            rows.into_iter().filter(|(_, content)| content.0.rule_ids().any(|it| it == id));
        Ok(having.map(|(assistant, _)| assistant.id()).collect())
    }

    #[tracing::instrument(name = "db.rule_attachments.save", skip_all)]
    async fn save_attachment(&mut self, attachment: &RuleAttachment) -> StoreResult<bool> {
        // A row that was not there before has no transaction that replaced it.
        Sql::<Bool>::new(
            "INSERT INTO rule_attachments AS a (organization_id, rule_id, entity_kind, \
             entity_id, priority, character_limit, is_active, attached_at, attached_by) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (organization_id, rule_id, entity_kind, entity_id) DO UPDATE SET \
             priority = excluded.priority, character_limit = excluded.character_limit, \
             is_active = excluded.is_active, attached_at = excluded.attached_at, \
             attached_by = excluded.attached_by RETURNING a.xmax = 0",
        )
        .bind::<SqlUuid, _>(Key::from(attachment.organization))
        .bind::<SqlUuid, _>(Key::from(attachment.rule))
        .bind::<Text, _>(attachment.entity.kind())
        .bind::<Text, _>(attachment.entity.id(attachment.organization))
        .bind::<SmallInt, _>(i16::from(attachment.priority))
        .bind::<BigInt, _>(i64::from(attachment.character_limit))
        .bind::<Bool, _>(attachment.is_active)
        .bind::<Timestamptz, _>(Moment(attachment.attached_at))
        .bind::<SqlUuid, _>(Key::from(attachment.attached_by))
        .get_result(self.conn()?)
        .await
        .map_err(on_write("rule_attachments"))
    }

    #[tracing::instrument(name = "db.rule_attachments.delete", skip_all)]
    async fn delete_attachment(&mut self, rule: RuleId, entity: &RuleEntity) -> StoreResult<bool> {
        let tenant = self.tenant();
        let attachment = rule_attachments::table.find((
            tenant,
            Key::from(rule),
            entity.kind(),
            entity.id(tenant.id()),
        ));
        let deleted = diesel::delete(attachment).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("rule_attachments"))? == 1)
    }
}

#[async_trait]
impl RuleQueries for PgStore {
    #[tracing::instrument(name = "db.rules.list", skip_all)]
    async fn list(&self, tenant: OrganizationId, query: &RuleListQuery) -> StoreResult<Page<Rule>> {
        let total = if query.count {
            let all = matching(tenant, &query.filter).count();
            let counts: Vec<i64> = Transaction::read(&self.connections, tenant, all)
                .await?
                .map_err(on_read("rules"))?;
            let total = counts.into_iter().next().unwrap_or_default();
            Some(u64::try_from(total).map_err(corrupt("rules"))?)
        } else {
            None
        };
        // Names are unique, so one alone says where a page begins.
        let after = query.after.as_ref().map(|(name, _)| comparable(name.clone()));
        let page = matching(tenant, &query.filter)
            .filter(rules::name_key.gt(after.unwrap_or_default()))
            .order(rules::name_key)
            .limit(i64::from(query.limit) + 1)
            .select(Row::as_select());
        let mut rows: Vec<Row> =
            Transaction::read(&self.connections, tenant, page).await?.map_err(on_read("rules"))?;
        let limit = usize::try_from(query.limit).map_err(corrupt("rules"))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let rows = rows.into_iter().map(Rule::try_from).collect::<StoreResult<_>>()?;
        Ok(Page { rows, more, total })
    }

    #[tracing::instrument(name = "db.rules.read", skip_all)]
    async fn find(&self, tenant: OrganizationId, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        let some = rules::table
            .filter(rules::organization_id.eq(Key::from(tenant)))
            .filter(rules::id.eq_any(ids))
            .select(Row::as_select());
        let rows: Vec<Row> =
            Transaction::read(&self.connections, tenant, some).await?.map_err(on_read("rules"))?;
        rows.into_iter().map(Rule::try_from).collect()
    }

    #[tracing::instrument(name = "db.rule_attachments.list", skip_all, fields(rule.id = %rule))]
    async fn attachments(
        &self,
        tenant: OrganizationId,
        rule: RuleId,
    ) -> StoreResult<Vec<RuleAttachment>> {
        let its = rule_attachments::table
            .filter(rule_attachments::organization_id.eq(Key::from(tenant)))
            .filter(rule_attachments::rule_id.eq(Key::from(rule)))
            .order((rule_attachments::entity_kind, rule_attachments::entity_id))
            .select(AttachmentRow::as_select());
        let rows: Vec<AttachmentRow> = Transaction::read(&self.connections, tenant, its)
            .await?
            .map_err(on_read("rule_attachments"))?;
        rows.into_iter().map(RuleAttachment::try_from).collect()
    }

    #[tracing::instrument(name = "db.rule_attachments.of", skip_all)]
    async fn attached_to(
        &self,
        tenant: OrganizationId,
        entities: &[RuleEntity],
    ) -> StoreResult<Vec<(Rule, RuleAttachment)>> {
        let (kinds, ids): (Vec<&'static str>, Vec<String>) =
            entities.iter().map(|entity| (entity.kind(), comparable(entity.id(tenant)))).unzip();
        let attached = rules::table
            .inner_join(
                rule_attachments::table.on(rule_attachments::organization_id
                    .eq(rules::organization_id)
                    .and(rule_attachments::rule_id.eq(rules::id))),
            )
            .filter(rule_attachments::organization_id.eq(Key::from(tenant)))
            .filter(
                diesel::dsl::sql::<Bool>("(entity_kind, entity_id) IN (SELECT * FROM unnest(")
                    .bind::<Array<Text>, _>(kinds)
                    .sql(", ")
                    .bind::<Array<Text>, _>(ids)
                    .sql("))"),
            )
            .order((rules::name_key, rule_attachments::entity_kind, rule_attachments::entity_id))
            .select((Row::as_select(), AttachmentRow::as_select()));
        let rows: Vec<(Row, AttachmentRow)> =
            Transaction::read(&self.connections, tenant, attached)
                .await?
                .map_err(on_read("rule_attachments"))?;
        rows.into_iter().map(|(rule, to)| Ok((rule.try_into()?, to.try_into()?))).collect()
    }
}
