//! The yardsticks: a bare actix-web handler that asks one thing of the same
//! database through a pool of the same size.

mod postgres;
mod sqlite;

use std::{future::Future, num::NonZeroU32, path::PathBuf};

use actix_web::{
    App, HttpResponse, HttpServer,
    error::ErrorInternalServerError,
    web::{Data, Path, get, resource},
};
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Where the handlers find the same bytes that the service answers with: `body`
/// for one assistant, `item` for its place in a list.
pub(crate) const TABLE: &str = "yardstick";

/// Arguments of `yardstick`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Host and port to listen on
    #[arg(long)]
    listen: String,
    /// Whose list `/list` shows
    #[arg(long)]
    organization: Uuid,
    /// The keys that see
    #[arg(long, value_delimiter = ',')]
    keys: Vec<String>,
    /// How many connections to the database
    #[arg(long)]
    pool: NonZeroU32,
    /// A PostgreSQL database
    #[arg(long)]
    postgres: Option<String>,
    /// A SQLite file
    #[arg(long, conflicts_with = "postgres", required_unless_present = "postgres")]
    sqlite: Option<PathBuf>,
}

/// Whose list is read: what the hand-written query compares.
#[derive(Clone)]
struct Viewer {
    organization: Uuid,
    keys: Vec<String>,
}

/// The two questions.
trait Database: Clone + Send + Sync + 'static {
    /// The body of one row.
    fn body(&self, id: Uuid) -> impl Future<Output = Result<String>>;

    /// The newest 51 items that the viewer sees, as in `limit=50`.
    fn items(&self) -> impl Future<Output = Result<Vec<String>>>;
}

/// Serves until it is ended.
#[expect(clippy::future_not_send, reason = "actix-web servers stay on their thread")]
pub(crate) async fn run(args: Args) -> Result<()> {
    let Args { listen, organization, keys, pool, postgres, sqlite } = args;
    let viewer = Viewer { organization, keys };
    match (postgres, sqlite) {
        (Some(url), _) => serve(&listen, postgres::Postgres::open(&url, pool, viewer)?).await,
        (None, Some(file)) => serve(&listen, sqlite::Sqlite::new(&file, pool, viewer)?).await,
        (None, None) => Ok(()),
    }
}

#[expect(clippy::future_not_send, reason = "actix-web servers stay on their thread")]
async fn serve<D: Database>(listen: &str, database: D) -> Result<()> {
    let database = Data::new(database);
    HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&database))
            .service(resource("/rows/{id}").route(get().to(row::<D>)))
            .service(resource("/list").route(get().to(list::<D>)))
    })
    .bind(listen)?
    .run()
    .await?;
    Ok(())
}

async fn row<D: Database>(database: Data<D>, id: Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let body = database.body(*id).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

#[derive(Serialize)]
struct Page {
    data: Vec<Value>,
}

async fn list<D: Database>(database: Data<D>) -> actix_web::Result<HttpResponse> {
    let items = database.items().await.map_err(ErrorInternalServerError)?;
    let items = items.iter().take(50).map(|item| serde_json::from_str(item));
    let data = items.collect::<Result<_, _>>().map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(Page { data }))
}
