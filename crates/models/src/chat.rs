//! Conversing: which protocol is spoken by which file, and what holds for all.

use async_trait::async_trait;
use serde_json::Value;
use understudy_domain::{
    ProviderKind, Secret,
    chat::{ChatEvent, ChatRequest, Protocol},
    ports::{ChatModel, ChatStream, ListedByProvider, ProviderAccess, ProviderError},
};

use crate::{
    Models, anthropic, breaker::Permit, builtin, complaint::masked, line::Line, ollama, openai,
    stream::broke_off,
};

#[async_trait]
impl ChatModel for Models {
    async fn converse(
        &self,
        provider: &ProviderAccess,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ProviderError> {
        let mut permit = self.breakers.admit(provider.id)?;
        let key = provider.api_key.clone();
        match converse(&self.line(provider), request).await {
            Ok(stream) => Ok(Box::new(Watched { stream: Some(stream), permit, key })),
            Err(error) => {
                let error = masked(error, key.as_ref());
                permit.failed(&error);
                Err(error)
            }
        }
    }

    fn render(&self, request: &ChatRequest) -> Value {
        match request.protocol {
            Protocol::OpenaiResponses => openai::responses::body(request),
            Protocol::OpenaiChat | Protocol::CompatibleChat => openai::chat::body(request),
            Protocol::AnthropicMessages => anthropic::body(request),
            Protocol::OllamaChat => ollama::body(request),
            Protocol::Builtin => builtin::answer::body(request),
        }
    }

    async fn list(
        &self,
        provider: &ProviderAccess,
    ) -> Result<Vec<ListedByProvider>, ProviderError> {
        let line = self.line(provider);
        let listed = self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => openai::list(&line).await,
                ProviderKind::Anthropic => anthropic::list(&line).await,
                ProviderKind::Ollama => ollama::list(&line).await,
                ProviderKind::Builtin => builtin::answer::list(&line).await,
                // It does not tell, and draws in one way only.
                ProviderKind::Clipdrop => Ok(Vec::new()),
            }
        });
        listed.await.map_err(|error| masked(error, provider.api_key.as_ref()))
    }
}

async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    match request.protocol {
        Protocol::OpenaiResponses => openai::responses::converse(line, request).await,
        Protocol::OpenaiChat | Protocol::CompatibleChat => {
            openai::chat::converse(line, request).await
        }
        Protocol::AnthropicMessages => anthropic::converse(line, request).await,
        Protocol::OllamaChat => ollama::converse(line, request).await,
        Protocol::Builtin => builtin::answer::converse(line, request).await,
    }
}

/// A stream that keeps the promises of [`ChatStream`], whoever reads it, tells what
/// came of it, and lets no key out.
struct Watched {
    /// Gone when it is over, and the connection with it.
    stream: Option<Box<dyn ChatStream>>,
    permit: Permit,
    key: Option<Secret<String>>,
}

#[async_trait]
impl ChatStream for Watched {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        let next = self.stream.as_mut()?.next().await.unwrap_or_else(|| Err(broke_off()));
        Some(match next {
            Ok(event) => {
                if matches!(event, ChatEvent::Done { .. }) {
                    self.stream = None;
                    self.permit.succeeded();
                } else {
                    self.permit.began();
                }
                Ok(event)
            }
            Err(error) => {
                self.stream = None;
                let error = masked(error, self.key.as_ref());
                self.permit.failed(&error);
                Err(error)
            }
        })
    }
}
