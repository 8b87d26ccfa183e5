use clap::Args;
use serde_json::{Value, json};

use super::super::remote::Remote;
use super::super::watch::Watch;
use super::show::{count, text};
use crate::table::table;

/// States that the API knows.
const STATES: [&str; 9] =
    ["receiving", "queued", "running", "paused", "succeeded", "partially_succeeded", "failed", "cancelled", "undone"];
/// The most that the API gives at once.
const MOST: u32 = 100;

#[derive(Args)]
pub(super) struct List {
    /// Only those in this state
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)), conflicts_with = "all")]
    limit: u32,
    /// Those after this place, as the page before names it
    #[arg(long)]
    cursor: Option<String>,
    /// All of them, page after page
    #[arg(long)]
    all: bool,
    /// Print what the API answers; of --all one page with all in it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let connection = self.remote.connection()?;
        let watch = connection.watch();
        let page = if self.all { self.pages(&watch)? } else { self.page(&watch, self.cursor.as_deref(), self.limit)? };
        if self.json {
            println!("{page}");
            return Ok(());
        }
        let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
        println!("{}", table(&["id", "kind", "state", "done", "rows", "failed", "created"], items.map(row).collect()));
        if let Some(cursor) = page.get("next_cursor").and_then(Value::as_str) {
            eprintln!("there are more: --cursor {cursor}");
        }
        Ok(())
    }

    fn pages(&self, watch: &Watch<'_>) -> anyhow::Result<Value> {
        let (mut items, mut cursor) = (Vec::new(), self.cursor.clone());
        loop {
            let mut page = self.page(watch, cursor.as_deref(), MOST)?;
            items.extend(page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default());
            let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            // A page that leads to itself would never end.
            if next.is_none() || next == cursor {
                return Ok(json!({ "items": items, "has_next": false, "next_cursor": null }));
            }
            cursor = next;
        }
    }

    fn page(&self, watch: &Watch<'_>, cursor: Option<&str>, limit: u32) -> anyhow::Result<Value> {
        let limit = limit.to_string();
        let query = [("limit", Some(limit.as_str())), ("state", self.state.as_deref()), ("cursor", cursor)];
        let given = query.into_iter().filter_map(|(name, value)| Some((name, value?)));
        watch.ask("/api/v1/operations", &given.collect::<Vec<_>>())
    }
}

fn row(operation: &Value) -> Vec<String> {
    let rows = |name| count(operation, name).to_string();
    vec![
        text(operation, "/id").to_owned(),
        text(operation, "/kind").to_owned(),
        text(operation, "/state").to_owned(),
        rows("rows_done"),
        rows("rows_total"),
        rows("failed"),
        text(operation, "/created_at").to_owned(),
    ]
}
