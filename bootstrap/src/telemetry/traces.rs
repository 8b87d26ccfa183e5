use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use temporalio_sdk::SimplePlugin;
use temporalio_sdk::opentelemetry::{OpenTelemetryPlugin, WorkflowIdGenerator};

use super::collector::Collector;
use crate::config::{Config, TracesConfig};
use crate::wire::{Role, host};

/// How long the collector may take for what is left when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
static RECORDED: AtomicBool = AtomicBool::new(false);

/// From here on there are traces. Without a collector they have ids, which logs and workflows carry on, and no spans.
pub(super) fn start(config: &Config, role: Role) -> anyhow::Result<()> {
    let TracesConfig { endpoint, headers, sampler, .. } = &config.traces;
    let provider = SdkTracerProvider::builder()
        .with_id_generator(WorkflowIdGenerator::default())
        .with_resource(resource(config, role));
    let provider = match endpoint {
        None => provider.with_sampler(Sampler::AlwaysOff),
        Some(endpoint) => {
            let exporter = SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_metadata(MetadataMap::from_headers(headers.clone()));
            let exporter = if endpoint.starts_with("https:") {
                exporter.with_tls_config(ClientTlsConfig::new().with_enabled_roots())
            } else {
                exporter
            };
            provider.with_sampler(sampler.clone()).with_batch_exporter(Collector::new(exporter.build()?))
        }
    };
    RECORDED.store(endpoint.is_some(), Ordering::Relaxed);
    let provider = PROVIDER.get_or_init(|| provider.build());
    global::set_tracer_provider(provider.clone());
    Ok(())
}

/// Whether this process records spans at all. Where it does not, nobody needs to begin one: to know the trace is enough.
pub fn are_recorded() -> bool {
    RECORDED.load(Ordering::Relaxed)
}

/// Sends what was recorded and not sent.
pub(super) fn end() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown_with_timeout(LAST_WORDS)
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the last spans did not reach the collector");
    }
}

/// Carries traces through workflows, and makes spans of what workflows and activities do. Baggage of clients stays out: nobody knows
/// what is in it, and histories are kept.
pub(crate) fn temporal_plugin() -> SimplePlugin {
    OpenTelemetryPlugin::builder().propagator(TraceContextPropagator::new()).build()
}

fn resource(config: &Config, role: Role) -> Resource {
    let name = config.traces.service_name.clone().unwrap_or_else(|| format!("muster-{}", role.name()));
    Resource::builder()
        .with_service_name(name)
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", format!("{}:{}", host(), std::process::id())),
            KeyValue::new("deployment.environment.name", config.app_env.name()),
        ])
        .with_attributes(config.traces.attributes.clone())
        .build()
}
