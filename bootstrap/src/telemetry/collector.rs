use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Says once that the collector takes no spans, and once that it takes them again: not for each batch, of which there is one
/// every few seconds.
#[derive(Debug)]
pub(super) struct Collector<E> {
    exporter: E,
    /// Spans since it took the last one.
    lost: AtomicU64,
}

impl<E> Collector<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, lost: AtomicU64::new(0) }
    }
}

impl<E: SpanExporter> SpanExporter for Collector<E> {
    /// Never fails, as far as the SDK is told: it would say so as well.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        match self.exporter.export(batch).await {
            Ok(()) => {
                let lost = self.lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    tracing::info!(spans.lost = lost, "the collector takes spans again");
                }
            }
            Err(error) => {
                if self.lost.fetch_add(spans, Ordering::Relaxed) == 0 {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes no spans: they are lost until it does"
                    );
                }
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
