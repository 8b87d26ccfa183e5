use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use temporalio_common::telemetry::metrics::{CoreMeter, TemporalMeter};
use temporalio_common::telemetry::{
    PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter, telemetry_init,
};

/// What Temporal's SDK counts. It keeps its numbers to itself: the only way to them is the server that it brings along. So that
/// one listens on a port of loopback that nobody has to know, and whoever is scraped asks it (ADR 33).
#[derive(Clone)]
pub struct SdkMetrics {
    options: TelemetryOptions,
    client: Option<TemporalMeter>,
    address: SocketAddr,
}

impl fmt::Debug for SdkMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkMetrics").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SdkMetrics {
    /// Starts counting; the server lives as long as the process. To be called within a runtime.
    ///
    /// # Errors
    /// When there is no free port on 127.0.0.1.
    pub fn start() -> io::Result<Self> {
        let server = start_prometheus_metric_exporter(
            PrometheusExporterOptions::builder()
                .socket_addr((Ipv4Addr::LOCALHOST, 0).into())
                .counters_total_suffix(true)
                .unit_suffix(true)
                .use_seconds_for_durations(true)
                .build(),
        )
        .map_err(io::Error::other)?;
        let (meter, address): (Arc<dyn CoreMeter>, _) = (server.meter, server.bound_addr);
        // All that is counted is of one service.
        let options = TelemetryOptions::builder().metrics(meter).attach_service_name(false).build();
        let client = telemetry_init(options.clone()).map_err(io::Error::other)?.get_temporal_metric_meter();
        Ok(Self { options, client, address })
    }

    /// Where `/metrics` is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For the runtime of workers.
    pub fn telemetry(&self) -> TelemetryOptions {
        self.options.clone()
    }

    /// For clients.
    pub(super) fn client(&self) -> Option<TemporalMeter> {
        self.client.clone()
    }
}
