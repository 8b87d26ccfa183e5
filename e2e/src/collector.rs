//! A collector of traces on loopback, which keeps what it is sent.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::status::StatusCode,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{Request, Response, Status};

/// A span as it was sent.
#[derive(Clone, Debug)]
pub struct Span {
    /// Whose it is.
    pub service: String,
    /// What it is of.
    pub name: String,
    /// 32 hex digits.
    pub trace: String,
    /// 16 hex digits.
    pub id: String,
    /// 16 hex digits; empty for the first one of a trace.
    pub parent: String,
    /// What else is said of it, as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether what it is of has failed.
    pub failed: bool,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<ExportTraceServiceRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.lock().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// The collector; it ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    kept: Kept,
    _runtime: Runtime,
}

impl Collector {
    /// Starts one on a free port.
    pub fn start() -> Result<Self> {
        Self::start_at(0)
    }

    /// Starts one on this port.
    pub fn start_at(port: u16) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener =
            runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).context("the port is not free")?;
        let address = listener.local_addr()?;
        let kept = Kept::default();
        let service = TraceServiceServer::new(kept.clone());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                // Whoever connects ends it.
                tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, kept, _runtime: runtime })
    }

    /// Where it is, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans that were sent so far.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock();
        let resources = kept.iter().flat_map(|request| &request.resource_spans);
        resources
            .flat_map(|of_resource| {
                let resource = of_resource.resource.as_ref().map(|resource| attributes(&resource.attributes));
                let service = resource.unwrap_or_default().remove("service.name").unwrap_or_default();
                let spans = of_resource.scope_spans.iter().flat_map(|of_scope| &of_scope.spans);
                spans.map(move |span| Span {
                    service: service.clone(),
                    name: span.name.clone(),
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    attributes: attributes(&span.attributes),
                    failed: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
                })
            })
            .collect()
    }

    /// All that was sent so far, as text.
    pub fn text(&self) -> String {
        format!("{:?}", self.kept.lock())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn attributes(given: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |attribute: &KeyValue| attribute.value.as_ref()?.value.as_ref().map(text);
    given.iter().map(|attribute| (attribute.key.clone(), value(attribute).unwrap_or_default())).collect()
}

/// The spans of one trace.
#[derive(Clone, Debug)]
pub struct Trace(pub Vec<Span>);

impl Trace {
    /// All of this name.
    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    /// The only one of this name.
    pub fn only(&self, name: &str) -> Result<&Span> {
        let found = self.named(name);
        ensure!(found.len() == 1, "{} spans are called {name}:\n{}", found.len(), self.tree());
        found.first().copied().context("none")
    }

    /// Whether there is a span of this name right under another.
    pub fn has(&self, parent: &Span, name: &str) -> bool {
        self.named(name).iter().any(|span| span.parent == parent.id)
    }

    /// Each span after its parent and further in, for people.
    pub fn tree(&self) -> String {
        let is_root = |span: &&Span| !self.0.iter().any(|other| other.id == span.parent);
        let mut lines = String::new();
        for root in self.0.iter().filter(is_root) {
            self.branch(root, 0, &mut lines);
        }
        lines
    }

    fn branch(&self, span: &Span, depth: usize, lines: &mut String) {
        let Span { service, name, id, parent, .. } = span;
        let _ = writeln!(lines, "{}{name} ({service}, {id} under {parent})", "  ".repeat(depth));
        for child in self.0.iter().filter(|child| child.parent == span.id) {
            self.branch(child, depth + 1, lines);
        }
    }
}
