//! The adapters that runs are carried out with.

use std::sync::Arc;

use understudy_domain::{
    ports::{
        ActionCaller, BlobStore, ChatModel, Clock, CodeRunner, DatasetEngine, IdSource, ImageModel,
        KnowledgeIndex, McpGateway, Moderator, Pictures, Runner, Store, Tokenizer, Vault,
        WebSearch,
    },
    usecases::{Deps, runs::RunDeps},
};

/// The adapters that runs are carried out with.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the port that its type names")]
pub struct RunPorts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
    pub blobs: Arc<dyn BlobStore>,
    pub pictures: Arc<dyn Pictures>,
    pub vault: Arc<dyn Vault>,
    pub chat_model: Arc<dyn ChatModel>,
    pub image_model: Arc<dyn ImageModel>,
    pub tokenizer: Arc<dyn Tokenizer>,
    pub moderator: Arc<dyn Moderator>,
    pub mcp: Arc<dyn McpGateway>,
    pub actions: Arc<dyn ActionCaller>,
    pub web_search: Option<Arc<dyn WebSearch>>,
    pub code: Option<Arc<dyn CodeRunner>>,
    pub knowledge: Arc<dyn KnowledgeIndex>,
    pub datasets: Option<Arc<dyn DatasetEngine>>,
    /// Where callers reach the service, without a slash at the end.
    pub public_url: String,
}

impl RunPorts {
    /// What use cases of runs need.
    #[must_use]
    pub fn deps<'a>(&'a self, runner: &'a dyn Runner) -> RunDeps<'a> {
        RunDeps {
            deps: Deps {
                store: &*self.store,
                clock: &*self.clock,
                ids: &*self.ids,
                blobs: &*self.blobs,
                pictures: &*self.pictures,
            },
            vault: &*self.vault,
            models: &*self.chat_model,
            images: &*self.image_model,
            tokenizer: &*self.tokenizer,
            moderator: &*self.moderator,
            mcp: &*self.mcp,
            actions: &*self.actions,
            web: self.web_search.as_deref(),
            code: self.code.as_deref(),
            knowledge: &*self.knowledge,
            datasets: self.datasets.as_deref(),
            runner,
            public_url: &self.public_url,
        }
    }
}
