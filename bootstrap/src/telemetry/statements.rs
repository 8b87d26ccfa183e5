use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use muster_infrastructure::spans::tracer;
use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

/// Where sqlx tells of each statement when it has ended.
const TARGET: &str = "sqlx::query";

/// Makes a span of each SQL statement that is part of a trace that is recorded. All of them are made here, from what sqlx says
/// anyway: code that sends a statement needs not think of it.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Statements.with_filter(Targets::new().with_target(TARGET, Level::DEBUG))
}

struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let parent = Context::current();
        if !parent.span().is_recording() {
            return;
        }
        let mut statement = Statement::default();
        event.record(&mut statement);
        let now = SystemTime::now();
        let span = tracer()
            .span_builder(statement.verb())
            .with_kind(SpanKind::Client)
            .with_start_time(now - statement.took)
            .with_attributes(statement.attributes());
        span.start_with_context(tracer(), &parent).end_with_timestamp(now);
    }
}

/// What sqlx says of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statement {
    /// Its first words.
    summary: String,
    /// All of it, with places for values in it and no values; empty if it is no longer than its first words.
    text: String,
    returned: u64,
    affected: u64,
    took: Duration,
}

impl Statement {
    /// What kind of statement it is.
    fn verb(&self) -> String {
        let first = self.summary.split_whitespace().next().unwrap_or("SQL");
        first.trim_end_matches(';').to_ascii_uppercase()
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let text = if self.text.is_empty() { &self.summary } else { &self.text };
        vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.query.text", text.trim().to_owned()),
            KeyValue::new("db.response.returned_rows", number(self.returned)),
            KeyValue::new("muster.db.affected_rows", number(self.affected)),
        ]
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "rows_returned" => self.returned = value,
            "rows_affected" => self.affected = value,
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
