//! Logs, traces and metrics of the process.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

use understudy_http_api::ContinueTrace;

use crate::config::{Config, LogFormat};

mod json;
#[cfg(feature = "otlp")]
mod otlp;

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Bounds of the histograms of times.
const SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What keeps telemetry going; [`close`](Self::close) sends what is left.
#[derive(Debug)]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<otlp::Traces>,
}

/// Telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter of traces refuses its configuration.
    #[cfg(feature = "otlp")]
    #[error("traces cannot be exported")]
    Traces(#[source] opentelemetry_otlp::ExporterBuildError),
    /// The process logs already.
    #[error("logging is set up already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

impl Telemetry {
    /// Sets up logs on stderr and, if configured, traces, for the whole process.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`] when it is set up already or cannot be.
    pub fn install(config: &Config) -> Result<Self, TelemetryError> {
        // The exporter's client of HTTP has no cryptography of its own.
        understudy_outbound::install_tls();
        let layers: Vec<Boxed> = vec![logs(config)];
        #[cfg(feature = "otlp")]
        let (layers, traces) = match &config.otlp_endpoint {
            None => (layers, None),
            Some(endpoint) => {
                let traces = otlp::Traces::to(endpoint).map_err(TelemetryError::Traces)?;
                let exported = traces.layer(filter(config));
                (layers.into_iter().chain([exported]).collect(), Some(traces))
            }
        };
        tracing_subscriber::registry().with(layers).try_init().map_err(TelemetryError::Twice)?;
        Ok(Self {
            #[cfg(feature = "otlp")]
            traces,
        })
    }

    /// Sends what is left; call it outside of any async runtime.
    pub fn close(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.close();
        }
    }
}

/// What makes the spans of requests part of their callers' traces; `None` when
/// no traces are exported.
#[must_use]
pub fn continue_trace(config: &Config) -> Option<ContinueTrace> {
    #[cfg(feature = "otlp")]
    if config.otlp_endpoint.is_some() {
        return Some(std::sync::Arc::new(otlp::continue_trace));
    }
    let _ = config;
    None
}

fn logs(config: &Config) -> Boxed {
    let pretty = match config.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    if pretty {
        layer.with_ansi(io::stderr().is_terminal()).with_filter(filter(config)).boxed()
    } else {
        layer
            .fmt_fields(json::fields())
            .event_format(json::Json)
            .with_filter(filter(config))
            .boxed()
    }
}

/// What is logged. The library that speaks MCP logs what servers say, word for word,
/// and they may repeat what they were sent: whoever wants that has to name it.
fn filter(config: &Config) -> EnvFilter {
    EnvFilter::new(format!("rmcp=warn,{}", config.log)) // the configuration was checked: it parses
}

/// The collector of the process's metrics, made on first use; `None` when
/// something else collects them.
pub fn metrics() -> Option<&'static PrometheusHandle> {
    static COLLECTOR: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let collector = COLLECTOR.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .ok()?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok().map(|()| handle)
    });
    collector.as_ref()
}
