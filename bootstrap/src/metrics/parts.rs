use std::fmt;

use muster_infrastructure::cache::{Cache, HITS, MISSES, READ_ERRORS};
use muster_infrastructure::postgres::Pool;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::wire::Role;

/// Which program this is, and which release of it.
#[derive(Debug)]
pub(super) struct Build(pub(super) Role);

impl Collector for Build {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Which program this is, and which release of it; always 1";
        let mut family = encoder.encode_descriptor("muster_build_info", help, None, MetricType::Gauge)?;
        let labels = [("program", self.0.name()), ("version", env!("CARGO_PKG_VERSION"))];
        ConstGauge::new(1_i64).encode(family.encode_family(&labels)?)
    }
}

/// How the cache does; the ratio is hits by hits and misses.
pub(super) struct CacheCounters(pub(super) Cache);

impl Collector for CacheCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counters = self.0.counters();
        for (name, help, count) in [
            (HITS, "Look-ups of users that were answered without the database", counters.hits()),
            (MISSES, "Look-ups of users that went to the database", counters.misses()),
            (READ_ERRORS, "Calls of Redis that failed, and values in it that were not ours", counters.errors()),
        ] {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        if let Some(is_up) = self.0.shared_is_up() {
            let help = "Whether the cache that processes share is used; none where REDIS_URL is not set";
            let up = ConstGauge::new(i64::from(is_up));
            up.encode(encoder.encode_descriptor("cache_shared_up", help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for CacheCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheCounters").finish_non_exhaustive()
    }
}

/// The pool of database connections.
#[derive(Debug)]
pub(super) struct PoolConnections(pub(super) Pool);

impl Collector for PoolConnections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let idle = u32::try_from(self.0.num_idle()).unwrap_or(u32::MAX);
        let help = "Connections to the database, by what they do";
        let mut family = encoder.encode_descriptor("db_pool_connections", help, None, MetricType::Gauge)?;
        for (state, count) in [("idle", idle), ("used", self.0.size().saturating_sub(idle))] {
            ConstGauge::new(i64::from(count)).encode(family.encode_family(&[("state", state)])?)?;
        }
        let most = ConstGauge::new(i64::from(self.0.options().get_max_connections()));
        let help = "Most connections to the database that there may be";
        most.encode(encoder.encode_descriptor("db_pool_connections_max", help, None, MetricType::Gauge)?)
    }
}
