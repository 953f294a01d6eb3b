//! The whole service, as a process, among programs that others wrote: MCP servers and
//! a model with real weights.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]
#![cfg(unix)]

mod mcp;
mod servers;
#[expect(dead_code, reason = "tests of what survives use the rest")]
mod service;
mod small_model;
#[path = "../process/support.rs"]
#[expect(dead_code, reason = "the other tests of the process use the rest")]
mod support;

/// Makes a test of every case for each database.
macro_rules! on_each_database {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            use crate::service::Kept;

            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(Kept::Sqlite).await;
                }
            )+
        }

        mod postgres {
            use crate::service::Kept;

            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(Kept::Postgres).await;
                }
            )+
        }
    };
}

pub(crate) use on_each_database;
