//! Traces to an OpenTelemetry collector, over HTTP with protobuf.

use opentelemetry::{
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer};
use understudy_http_api::TraceContext;
use url::Url;

use super::Boxed;

/// The exporter with its own thread.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Exports to the collector at `endpoint`.
    pub(super) fn to(endpoint: &Url) -> Result<Self, ExporterBuildError> {
        let base = endpoint.as_str().trim_end_matches('/');
        let full = if base.ends_with("/v1/traces") {
            base.to_owned()
        } else {
            format!("{base}/v1/traces")
        };
        let exporter = SpanExporter::builder().with_http().with_endpoint(full).build()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("understudy").build())
            .build();
        Ok(Self(provider))
    }

    /// Takes the spans that pass `filter`.
    pub(super) fn layer(&self, filter: EnvFilter) -> Boxed {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("understudy"))
            .with_filter(filter)
            .boxed()
    }

    /// Sends what is left.
    pub(super) fn close(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes `span` a child of the caller's span.
pub(super) fn continue_trace(span: &tracing::Span, caller: &TraceContext) {
    let parent = TraceContextPropagator::new().extract(&Headers(caller));
    // Fails when the span is not exported; then there is nothing to tie.
    let _ = span.set_parent(parent);
}

/// W3C Trace Context as the propagator reads it.
struct Headers<'a>(&'a TraceContext);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(&self.0.parent),
            "tracestate" => self.0.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
