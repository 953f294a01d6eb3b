//! Rules, and what they are attached to.

mod queries;

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, dsl::exists, sql_types::Text,
};
#[cfg(test)]
pub(crate) use queries::{attached, page};
use understudy_domain::{
    AssistantId, Rule, RuleAttachment, RuleEntity, RuleId,
    ports::{RuleRepository, StoreError, StoreResult},
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{rule_attachments, rules},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Key, Micros},
};

/// A rule as it is stored, in the order of columns.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rules, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    description: Option<String>,
    description_key: Option<String>,
    category: String,
    kind: String,
    scope: String,
    apply_mode: String,
    is_public: bool,
    is_active: bool,
    version: i64,
    created_by: Key,
    created_at: Micros,
    updated_at: Micros,
    content: String,
}

impl From<&Rule> for Row {
    fn from(rule: &Rule) -> Self {
        Self {
            organization_id: rule.organization.into(),
            id: rule.id.into(),
            name: rule.name.clone(),
            name_key: rule.name.to_lowercase(),
            description: rule.description.clone(),
            description_key: rule.description.as_deref().map(str::to_lowercase),
            category: rule.category.as_str().to_owned(),
            kind: rule.kind.as_str().to_owned(),
            scope: rule.scope.as_str().to_owned(),
            apply_mode: rule.apply_mode.as_str().to_owned(),
            is_public: rule.is_public,
            is_active: rule.is_active,
            version: rule.version,
            created_by: rule.created_by.into(),
            created_at: Micros(rule.created_at),
            updated_at: Micros(rule.updated_at),
            content: rule.content.clone(),
        }
    }
}

impl TryFrom<Row> for Rule {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown = || corrupt("rules")("a rule has an unknown word");
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            name: row.name,
            description: row.description,
            content: row.content,
            category: RuleCategory::from_word(&row.category).ok_or_else(unknown)?,
            kind: RuleType::from_word(&row.kind).ok_or_else(unknown)?,
            scope: RuleScope::from_word(&row.scope).ok_or_else(unknown)?,
            apply_mode: ApplyMode::from_word(&row.apply_mode).ok_or_else(unknown)?,
            is_public: row.is_public,
            is_active: row.is_active,
            version: row.version,
            created_by: row.created_by.id(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rule_attachments, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, rule_id, entity_kind, entity_id))]
struct AttachmentRow {
    organization_id: Key,
    rule_id: Key,
    entity_kind: String,
    entity_id: String,
    priority: i16,
    character_limit: i64,
    is_active: bool,
    attached_at: Micros,
    attached_by: Key,
}

impl From<&RuleAttachment> for AttachmentRow {
    fn from(attachment: &RuleAttachment) -> Self {
        Self {
            organization_id: attachment.organization.into(),
            rule_id: attachment.rule.into(),
            entity_kind: attachment.entity.kind().to_owned(),
            entity_id: attachment.entity.id(attachment.organization),
            priority: attachment.priority.into(),
            character_limit: attachment.character_limit.into(),
            is_active: attachment.is_active,
            attached_at: Micros(attachment.attached_at),
            attached_by: attachment.attached_by.into(),
        }
    }
}

impl TryFrom<AttachmentRow> for RuleAttachment {
    type Error = StoreError;

    fn try_from(row: AttachmentRow) -> Result<Self, StoreError> {
        let table = "rule_attachments";
        let organization = row.organization_id.id();
        let entity = RuleEntity::read(organization, &row.entity_kind, &row.entity_id);
        Ok(Self {
            organization,
            rule: row.rule_id.id(),
            entity: entity.ok_or_else(|| corrupt(table)("nothing has this name"))?,
            priority: u8::try_from(row.priority).map_err(corrupt(table))?,
            character_limit: u32::try_from(row.character_limit).map_err(corrupt(table))?,
            is_active: row.is_active,
            attached_at: row.attached_at.0,
            attached_by: row.attached_by.id(),
        })
    }
}

/// Those of `ids` that exist, in the order of ids.
fn find(conn: &mut SqliteConnection, tenant: Key, mut ids: Vec<RuleId>) -> StoreResult<Vec<Rule>> {
    ids.sort_unstable();
    ids.dedup();
    // One prepared statement for each; a list would be another statement for each
    // length.
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let rule = rules::table.find((tenant, Key::from(id)));
        let row: Option<Row> =
            rule.select(Row::as_select()).first(conn).optional().map_err(on_read("rules"))?;
        found.extend(row.map(Rule::try_from).transpose()?);
    }
    Ok(found)
}

/// The assistants and drafts that the rule is attached to. Walks over all of the
/// organization, which is as rare as a rule is removed.
fn assistants_with(tenant: Key, rule: RuleId) -> Sql<Text> {
    let mut sql = Sql::new("SELECT id FROM assistants WHERE organization_id = ");
    // Most contents are passed by without reading them as JSON.
    sql.word(tenant.text()).text(" AND instr(content, ").word(rule.to_string());
    sql.text(
        ") > 0 AND EXISTS (SELECT 1 FROM json_each(content, '$.rules') r \
         WHERE r.value ->> '$.ruleId' = ",
    );
    sql.word(rule.to_string()).text(") ORDER BY id");
    sql
}

fn save_attachment(conn: &mut SqliteConnection, row: &AttachmentRow) -> StoreResult<bool> {
    let stored = rule_attachments::table.find((
        row.organization_id,
        row.rule_id,
        &row.entity_kind,
        &row.entity_id,
    ));
    let is_attached: bool =
        diesel::select(exists(stored)).get_result(conn).map_err(on_read("rule_attachments"))?;
    let written = if is_attached {
        diesel::update(stored).set(row).execute(conn)
    } else {
        diesel::insert_into(rule_attachments::table).values(row).execute(conn)
    };
    written.map_err(on_write("rule_attachments"))?;
    Ok(!is_attached)
}

#[async_trait]
impl RuleRepository for SqliteUnitOfWork {
    async fn find(&mut self, ids: &[RuleId]) -> StoreResult<Vec<Rule>> {
        let tenant = self.tenant();
        let ids = ids.to_vec();
        self.run("rules.find", move |conn| find(conn, tenant, ids)).await
    }

    async fn insert(&mut self, rule: &Rule) -> StoreResult<()> {
        self.check_tenant("rules", rule.organization)?;
        let row = Row::from(rule);
        self.run("rules.insert", move |conn| {
            diesel::insert_into(rules::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("rules"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut rule: Rule) -> StoreResult<Rule> {
        self.check_tenant("rules", rule.organization)?;
        let tenant = self.tenant();
        self.run("rules.update", move |conn| {
            let read = rule.version;
            rule.version += 1;
            let unchanged =
                rules::table.find((tenant, Key::from(rule.id))).filter(rules::version.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&rule)).execute(conn);
            match updated.map_err(on_write("rules"))? {
                1 => Ok(rule),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: RuleId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("rules.delete", move |conn| {
            // Attachments go with their foreign key.
            let deleted = diesel::delete(rules::table.find((tenant, Key::from(id)))).execute(conn);
            Ok(deleted.map_err(on_write("rules"))? == 1)
        })
        .await
    }

    async fn assistants_with(&mut self, id: RuleId) -> StoreResult<Vec<AssistantId>> {
        let tenant = self.tenant();
        self.run("rules.assistants_with", move |conn| {
            let ids = assistants_with(tenant, id).load::<Key>(conn);
            Ok(ids.map_err(on_read("assistants"))?.into_iter().map(Key::id).collect())
        })
        .await
    }

    async fn save_attachment(&mut self, attachment: &RuleAttachment) -> StoreResult<bool> {
        self.check_tenant("rule_attachments", attachment.organization)?;
        let row = AttachmentRow::from(attachment);
        self.run("rules.save_attachment", move |conn| save_attachment(conn, &row)).await
    }

    async fn delete_attachment(&mut self, rule: RuleId, entity: &RuleEntity) -> StoreResult<bool> {
        let tenant = self.tenant();
        let key = (tenant, Key::from(rule), entity.kind(), entity.id(tenant.id()));
        self.run("rules.delete_attachment", move |conn| {
            let deleted = diesel::delete(rule_attachments::table.find(key)).execute(conn);
            Ok(deleted.map_err(on_write("rule_attachments"))? == 1)
        })
        .await
    }
}
