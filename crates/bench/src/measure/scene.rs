//! A database full of assistants, with the service running on it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Kind;
use crate::{
    api::{self, Caller, Member},
    load::Step,
    machine::Family,
    rounds::Contender,
    seed::Database,
    system::{Place, Server},
};

/// The list that is measured.
pub(crate) const LIST: &str = "/api/assistants?limit=50";

/// As many connections to the database as the service has by default.
const POOL: u32 = 16;

/// What all scenes share.
pub(crate) struct Setting {
    /// The service's program.
    pub(crate) program: PathBuf,
    /// The superuser's address of the PostgreSQL server.
    pub(crate) postgres: String,
    /// The processes of that server.
    pub(crate) postmaster: Family,
    /// The folder of `pgbench`.
    pub(crate) postgres_bin: PathBuf,
    /// Where files may be put.
    pub(crate) folder: PathBuf,
}

/// See the module.
pub(crate) struct Scene {
    /// On which database.
    pub(crate) kind: Kind,
    /// How many assistants there are.
    pub(crate) count: u64,
    /// The service.
    pub(crate) server: Server,
    /// Who asks.
    pub(crate) member: Member,
    /// Hex digits of the ids of the assistants that the member sees.
    pub(crate) visible: Vec<String>,
    /// Where it is.
    pub(crate) place: Place,
    /// The processes of the database, if it has any.
    pub(crate) postmaster: Option<Family>,
    /// The folder of `pgbench`.
    pub(crate) postgres_bin: PathBuf,
}

impl Scene {
    /// Makes one: a few assistants through the API, the others by copying them.
    pub(crate) async fn make(setting: &Setting, kind: Kind, count: u64) -> Result<Self> {
        let folder = setting.folder.join(format!("{kind:?}-{count}"));
        std::fs::create_dir(&folder)?;
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => {
                Some(create_database(&setting.postgres, &format!("bench_{count}")).await?)
            }
        };
        let place = Place { program: setting.program.clone(), folder, database };
        let first = Server::start(&place).await?;
        let (member, templates) = api::set_scene(&first.address).await?;
        let [template, ..] = templates.visible;
        let mut caller = Caller::with_headers(&first.address, &member.headers).await?;
        let body = caller.text(&format!("/api/assistants/asst_{}", template.simple())).await?;
        let page: Value = serde_json::from_str(&caller.text(LIST).await?)?;
        let item = page.pointer("/data/0").context("the member sees nothing")?.to_string();
        first.stop().await?;
        let mut database = open(&place).await?;
        let visible = database.fill(&templates, count).await?;
        database.prepare_yardstick(&body, &item).await?;
        drop(database);
        let postmaster = (kind == Kind::Postgres).then_some(setting.postmaster);
        let postgres_bin = setting.postgres_bin.clone();
        let server = Server::start(&place).await?;
        Ok(Self { kind, count, server, member, visible, place, postmaster, postgres_bin })
    }

    /// Starts the bare handlers on the same database.
    pub(crate) async fn yardstick(&self) -> Result<Server> {
        let mut arguments = vec![
            format!("--organization={}", self.member.organization),
            format!("--keys={}", self.member.keys.join(",")),
            format!("--pool={POOL}"),
        ];
        arguments.push(match &self.place.database {
            Some(url) => format!("--postgres={url}"),
            None => format!("--sqlite={}", self.file().display()),
        });
        Server::yardstick(&arguments, &self.place.folder.join("yardstick.log")).await
    }

    /// A server that answers the member.
    pub(crate) fn contender(&self, server: &Server, steps: Vec<Step>) -> Result<Contender<'_>> {
        self.contender_with(server, steps, &self.visible)
    }

    /// A server that answers the member about these assistants.
    pub(crate) fn contender_with(
        &self,
        server: &Server,
        steps: Vec<Step>,
        ids: &[String],
    ) -> Result<Contender<'_>> {
        let mut families = vec![server.family()?];
        families.extend(self.postmaster);
        let headers = &self.member.headers;
        let folder = &self.place.folder;
        Ok(Contender::requests(folder, families, &server.address, headers, steps, ids))
    }

    /// The path of a page far down the member's list.
    pub(crate) async fn late_page(&self) -> Result<String> {
        let mut caller = Caller::with_headers(&self.server.address, &self.member.headers).await?;
        let mut path = "/api/assistants?limit=200".to_owned();
        let mut passed = 0;
        loop {
            let page: Value = serde_json::from_str(&caller.text(&path).await?)?;
            let Some(cursor) = page.get("nextCursor").and_then(Value::as_str) else {
                return Ok(LIST.to_owned());
            };
            passed += 200;
            if passed * 10 >= self.visible.len() * 8 {
                return Ok(format!("{LIST}&cursor={cursor}"));
            }
            path = format!("/api/assistants?limit=200&cursor={cursor}");
        }
    }

    /// A connection of its own to the database.
    pub(crate) async fn database(&self) -> Result<Database> {
        open(&self.place).await
    }

    /// The file of the embedded database.
    pub(crate) fn file(&self) -> PathBuf {
        self.place.folder.join("understudy.db")
    }
}

/// Makes a database on this server; returns its address.
pub(super) async fn create_database(server: &str, name: &str) -> Result<String> {
    Database::postgres(server).await?.execute(&format!("CREATE DATABASE {name}")).await?;
    let (server, _) = server.rsplit_once('/').context("the address names no database")?;
    Ok(format!("{server}/{name}"))
}

async fn open(place: &Place) -> Result<Database> {
    match &place.database {
        Some(url) => Database::postgres(url).await,
        None => Database::sqlite(&place.folder.join("understudy.db")),
    }
}
