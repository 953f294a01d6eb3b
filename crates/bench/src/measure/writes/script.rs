//! The statements that a write comes down to, written by hand.
//!
//! Rows are as large as those of the service: they are copied from what it wrote
//! itself. Statements are those that its stores send, without the second wall.
//! Each is a line; one that ends in `\gset` gives `id` and `number` to the
//! following ones.

use anyhow::{Context, Result};

use super::super::scene::Scene;
use crate::seed::{Database, VISIBLE};

/// How many work at the same time; each has targets of its own.
const CLIENTS: u64 = 32;

/// How a database says it.
struct Dialect {
    /// A column as SQL that gives its value again.
    quoted: fn(&str) -> String,
    fresh: &'static str,
    now: &'static str,
    /// One of the client's numbers up to so many, chosen once.
    random: fn(u64) -> String,
    begin: &'static str,
    lock: &'static str,
}

static POSTGRES: Dialect = Dialect {
    // A colon before a letter would be a variable of pgbench's.
    quoted: |column| {
        format!("quote_nullable(regexp_replace({column}::text, ':([A-Za-z_])', ': \\1', 'g'))")
    },
    fresh: "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' \
            || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid",
    now: "now()",
    random: |count| {
        let each = count / CLIENTS;
        format!("(SELECT (:client_id + 1 + {CLIENTS} * floor(random() * {each}))::bigint)")
    },
    begin: "BEGIN;",
    lock: " FOR NO KEY UPDATE",
};

static SQLITE: Dialect = Dialect {
    quoted: |column| format!("quote({column})"),
    fresh: "(printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)) || '7' || \
            substr(lower(hex(randomblob(2))), 2) || '8' || substr(lower(hex(randomblob(8))), 2))",
    now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    random: |count| format!("(SELECT abs(random()) % {count} + 1)"),
    begin: "BEGIN IMMEDIATE;",
    lock: "",
};

/// A row that the service wrote: each column with its value as SQL.
struct Row {
    table: &'static str,
    columns: Vec<(String, String)>,
}

impl Row {
    /// Reads the newest row.
    async fn newest(
        database: &mut Database,
        dialect: &Dialect,
        table: &'static str,
        order: &str,
    ) -> Result<Self> {
        let mut columns = Vec::new();
        for column in database.columns(table).await? {
            let quoted = (dialect.quoted)(&column);
            let query =
                format!("SELECT {quoted} AS value FROM {table} ORDER BY {order} DESC LIMIT 1");
            let value = database.texts(&query).await?.into_iter().next();
            columns.push((column, value.with_context(|| format!("{table} is empty"))?));
        }
        Ok(Self { table, columns })
    }

    fn value(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|(name, _)| name == column);
        found.map_or("NULL", |(_, value)| value)
    }

    /// Inserts it again with some other values.
    fn insert(&self, other: &[(&str, &str)]) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<&str> = self.columns.iter().map(|column| replaced(column, other)).collect();
        format!("INSERT INTO {} ({}) VALUES ({});", self.table, names.join(", "), values.join(", "))
    }

    /// Gives its values to the rows `of`, but for `kept` columns and other values.
    fn update(&self, kept: &[&str], other: &[(&str, &str)], of: &str) -> String {
        let changed = self.columns.iter().filter(|(name, _)| !kept.contains(&name.as_str()));
        let values: Vec<String> =
            changed.map(|column| format!("{} = {}", column.0, replaced(column, other))).collect();
        format!("UPDATE {} SET {} WHERE {of};", self.table, values.join(", "))
    }
}

fn replaced<'a>(column: &'a (String, String), other: &[(&str, &'a str)]) -> &'a str {
    let found = other.iter().find(|(name, _)| *name == column.0);
    found.map_or(column.1.as_str(), |(_, value)| value)
}

/// The scripts for one scene.
pub(super) struct Script {
    dialect: &'static Dialect,
    organization: String,
    token: String,
    targets: u64,
    assistant: Row,
    audience: Row,
    version: Row,
    event: Row,
}

impl Script {
    /// Looks at what the service wrote last.
    pub(super) async fn new(scene: &Scene) -> Result<Self> {
        let mut database = scene.database().await?;
        let dialect = match &database {
            Database::Postgres(_) => &POSTGRES,
            Database::Sqlite(_) => &SQLITE,
        };
        let assistant = Row::newest(&mut database, dialect, "assistants", "id").await?;
        let token = Row::newest(&mut database, dialect, "api_tokens", "id").await?;
        Ok(Self {
            dialect,
            organization: assistant.value("organization_id").to_owned(),
            token: token.value("hash").to_owned(),
            targets: scene.count / VISIBLE,
            assistant,
            audience: Row::newest(&mut database, dialect, "assistant_audience", "assistant_id")
                .await?,
            version: Row::newest(&mut database, dialect, "versions", "id").await?,
            event: Row::newest(&mut database, dialect, "audit_events", "id").await?,
        })
    }

    /// Makes an assistant.
    pub(super) fn create(&self) -> String {
        let Dialect { fresh, now, begin, .. } = self.dialect;
        let organization = &self.organization;
        let names = [("id", ":id"), ("slug", "'yard-' || :id"), ("name_key", "'yard ' || :id")];
        let times = [("created_at", *now), ("updated_at", *now)];
        lines(&[
            format!("SELECT {fresh} AS id, 1 AS number FROM {} \\gset", self.caller()),
            format!("SELECT * FROM organizations WHERE id = {organization};"),
            (*begin).to_owned(),
            format!(
                "SELECT id FROM assistants WHERE organization_id = {organization} \
                 AND slug = 'yard-' || :id AND editing_id IS NULL;"
            ),
            self.assistant.insert(&[&names[..], &times].concat()),
            self.audience.insert(&[("assistant_id", ":id"), ("updated_at", now)]),
            self.history(),
            "COMMIT;".to_owned(),
        ])
    }

    /// Changes an assistant.
    pub(super) fn update(&self) -> String {
        let mut all = vec![self.target(), self.dialect.begin.to_owned()];
        all.extend(self.locks());
        all.extend(self.change_live());
        all.push("COMMIT;".to_owned());
        lines(&all)
    }

    /// Opens a draft, changes it and commits it.
    pub(super) fn commit(&self) -> String {
        let Dialect { fresh, now, begin, .. } = self.dialect;
        let draft = format!("organization_id = {} AND editing_id = :id", self.organization);
        let of_draft =
            [("id", *fresh), ("editing_id", ":id"), ("slug", "NULL"), ("updated_at", *now)];
        let event = self.event(&[("id", fresh)]);
        let change = [("revision", "revision + 1"), ("updated_at", *now)];
        let (begin, commit) = ((*begin).to_owned(), "COMMIT;".to_owned());
        let mut all = vec![self.target(), begin.clone()];
        all.extend(self.locks());
        all.extend([self.assistant.insert(&of_draft), event.clone(), commit.clone()]);
        all.extend([self.target_again(), begin.clone()]);
        all.extend(self.locks());
        all.extend([
            self.assistant.update(
                &["id", "editing_id", "slug", "organization_id"],
                &change,
                &draft,
            ),
            event,
            commit.clone(),
            self.target_again(),
            begin,
        ]);
        all.extend(self.locks());
        all.push(format!("DELETE FROM assistants WHERE {draft};"));
        all.extend(self.change_live());
        all.push(commit);
        lines(&all)
    }

    /// What finds the caller.
    fn caller(&self) -> String {
        format!(
            "(SELECT u.* FROM api_tokens t JOIN users u \
             ON u.organization_id = t.organization_id AND u.id = t.user_id \
             WHERE t.hash = {}) caller",
            self.token
        )
    }

    /// Chooses an assistant and reads it with the caller.
    fn target(&self) -> String {
        let Self { organization, dialect, .. } = self;
        format!(
            "SELECT a.id AS id, a.version AS number, a.content AS content FROM {} \
             CROSS JOIN clones c JOIN assistants a ON a.organization_id = {organization} \
             AND a.id = c.id WHERE c.n = {} * {VISIBLE} \\gset",
            self.caller(),
            (dialect.random)(self.targets),
        )
    }

    /// Reads it with the caller again, as the next request does.
    fn target_again(&self) -> String {
        format!(
            "SELECT a.id AS id, a.version AS number, a.content AS content FROM {} \
             JOIN assistants a ON a.organization_id = {} AND a.id = :id \\gset",
            self.caller(),
            self.organization,
        )
    }

    /// Locks a live assistant and its draft.
    fn locks(&self) -> [String; 2] {
        let (lock, organization) = (self.dialect.lock, &self.organization);
        [
            format!(
                "SELECT id, version + 1 AS number, content FROM assistants \
                 WHERE organization_id = {organization} AND id = :id{lock} \\gset"
            ),
            format!(
                "SELECT id, content FROM assistants \
                 WHERE organization_id = {organization} AND editing_id = :id{lock};"
            ),
        ]
    }

    /// Gives a live assistant new content, with all that follows from it.
    fn change_live(&self) -> [String; 3] {
        let (now, organization) = (self.dialect.now, &self.organization);
        let kept = ["id", "editing_id", "slug", "organization_id", "created_at", "name_key"];
        let other = [("version", ":number"), ("revision", "revision + 1"), ("updated_at", now)];
        let this = format!("organization_id = {organization} AND id = :id");
        [
            self.assistant.update(&kept, &other, &this),
            format!(
                "UPDATE assistant_audience SET updated_at = {now} \
                 WHERE organization_id = {organization} AND assistant_id = :id;"
            ),
            self.history(),
        ]
    }

    /// Adds a version and an event.
    fn history(&self) -> String {
        let Dialect { fresh, now, .. } = self.dialect;
        let version =
            [("id", *fresh), ("assistant_id", ":id"), ("number", ":number"), ("created_at", *now)];
        let event = [("id", *fresh), ("at", *now)];
        format!("{}\n{}", self.version.insert(&version), self.event(&event))
    }

    /// Adds an event at the end of the organization's log.
    fn event<'a>(&self, other: &[(&'a str, &'a str)]) -> String {
        let head = format!("audit_heads WHERE organization_id = {}", self.organization);
        let (table, of) = head.split_once(' ').unwrap_or((&head, ""));
        let number = format!("(SELECT seq FROM {head})");
        let event = self.event.insert(&[other, &[("seq", number.as_str())]].concat());
        format!("UPDATE {table} SET seq = seq + 1 {of};\n{event}")
    }
}

fn lines(statements: &[String]) -> String {
    let mut text = statements.join("\n");
    text.push('\n');
    text
}
