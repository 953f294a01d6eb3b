//! Where imported assistants come from.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryDsl,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    AssistantId,
    ports::{ImportRepository, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::imports,
    sql::Sql,
    unit_of_work::PgUnitOfWork,
    values::{Key, comparable},
};

#[async_trait]
impl ImportRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.imports.find", skip_all)]
    async fn find(&mut self, external: &str) -> StoreResult<Option<AssistantId>> {
        let import = imports::table.find((self.tenant(), comparable(external.to_owned())));
        let assistant = import.select(imports::assistant_id).first::<Key>(self.conn()?).await;
        Ok(assistant.optional().map_err(on_read("imports"))?.map(Key::id))
    }

    #[tracing::instrument(name = "db.imports.save", skip_all, fields(assistant.id = %assistant))]
    async fn save(&mut self, external: &str, assistant: AssistantId) -> StoreResult<()> {
        Sql::<()>::new(
            "INSERT INTO imports (organization_id, external, assistant_id) VALUES (?, ?, ?) \
             ON CONFLICT (organization_id, external) DO UPDATE \
             SET assistant_id = excluded.assistant_id",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .bind::<Text, _>(comparable(external.to_owned()))
        .bind::<SqlUuid, _>(Key::from(assistant))
        .execute(self.conn()?)
        .await
        .map_err(on_write("imports"))?;
        Ok(())
    }
}
