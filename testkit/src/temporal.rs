//! A private Temporal dev server, set up as the workflows need it.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    child::Managed,
    ports::free_ports,
    provision,
    tools::{output_of, wait_until},
};

/// Search attributes that the workflows set (`workflows/src/names.rs`).
pub const SEARCH_ATTRIBUTES: [&str; 4] =
    ["MusterTenant=Keyword", "MusterOperation=Keyword", "MusterKind=Keyword", "MusterState=Keyword"];

const FAIRNESS: &str = "matching.enableFairness=true";
/// Fairness between tenants, task queues read as often as a real cluster would (the dev server has one shard), and releases of
/// workers that are known to be done with after seconds instead of minutes.
pub const DYNAMIC_CONFIG: [&str; 7] = [
    "matching.useNewMatcher=true",
    FAIRNESS,
    "history.transferProcessorMaxPollRPS=5000",
    "history.timerProcessorMaxPollRPS=5000",
    "history.visibilityProcessorMaxPollRPS=5000",
    "matching.wv.VersionDrainageStatusVisibilityGracePeriod=\"2s\"",
    "matching.wv.VersionDrainageStatusRefreshInterval=\"2s\"",
];

/// Where a Temporal server keeps its state.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Quickest; forgets all when it ends.
    Memory,
    /// Keeps its state over restarts.
    File(PathBuf),
}

/// A Temporal server that this process started.
#[derive(Debug)]
pub struct Temporal {
    program: PathBuf,
    home: PathBuf,
    storage: Storage,
    fair: bool,
    ports: [u16; 4],
    process: Option<Managed>,
}

impl Temporal {
    /// Starts it on free ports, with namespace `default`.
    pub fn start(home: &Path, storage: Storage) -> Result<Self> {
        Self::start_with(home, storage, true)
    }

    /// As `start`, with fairness between tenants or, to compare, without.
    pub fn start_with(home: &Path, storage: Storage, fair: bool) -> Result<Self> {
        let mut this = Self {
            program: provision::temporal()?,
            home: home.to_owned(),
            storage,
            fair,
            ports: free_ports()?,
            process: None,
        };
        this.start_again()?;
        Ok(this)
    }

    /// Starts it again on the same ports.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let [port, ui, http, metrics] = self.ports.map(|port| port.to_string());
        let mut command = Command::new(&self.program);
        command
            .args(["server", "start-dev", "--ip", "127.0.0.1", "--namespace", "default", "--log-level", "warn"])
            .args(["--port", &port, "--ui-port", &ui, "--http-port", &http, "--metrics-port", &metrics]);
        for attribute in SEARCH_ATTRIBUTES {
            command.args(["--search-attribute", attribute]);
        }
        for value in DYNAMIC_CONFIG.into_iter().filter(|value| self.fair || *value != FAIRNESS) {
            command.args(["--dynamic-config-value", value]);
        }
        if let Storage::File(file) = &self.storage {
            command.arg("--db-filename").arg(file);
            command.args(["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]);
        }
        // Settings of the user's own Temporal profile must not leak in.
        command.env_remove("TEMPORAL_ADDRESS").env_remove("TEMPORAL_NAMESPACE").arg("--disable-config-file");
        let mut process = Managed::spawn(&self.home, "temporal", command)?;
        wait_until("Temporal", Duration::from_mins(1), || {
            process.must_run()?;
            if TcpStream::connect(("127.0.0.1", self.ports[0])).is_err() {
                return Ok(None);
            }
            let healthy = self.cli(&["operator", "cluster", "health"]).is_ok_and(|text| text.contains("SERVING"));
            Ok((healthy && self.cli(&["operator", "namespace", "describe", "-n", "default"]).is_ok()).then_some(()))
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.stop().map(drop))
    }

    /// SIGKILL.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill_hard().map(drop))
    }

    /// Lets it run on when this value is dropped.
    pub fn keep(&mut self) {
        if let Some(process) = &mut self.process {
            process.keep();
        }
    }

    /// `host:port` for clients.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// URL of the operators' page.
    pub fn ui_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[1])
    }

    /// Runs the `temporal` program against this server; gives its stdout.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        cli(&self.program, &self.address(), arguments)
    }

    /// Whether one of the workflows that a query finds has this in its identifier, or elsewhere in what is listed of it.
    pub fn lists(&self, query: &str, text: &str) -> Result<bool> {
        Ok(self.cli(&["workflow", "list", "--query", query, "--output", "json"])?.contains(text))
    }

    /// The history of a workflow as JSON, as `muster replay` and the replay tests read it.
    pub fn history_json(&self, workflow_id: &str) -> Result<String> {
        self.cli(&["workflow", "show", "-w", workflow_id, "--output", "json"])
    }

    /// How many events the history of a workflow has (of its last run).
    pub fn history_events(&self, workflow_id: &str) -> Result<usize> {
        let history: Value = serde_json::from_str(&self.history_json(workflow_id)?)?;
        let events = history.get("events").and_then(Value::as_array);
        events.map(Vec::len).context("the history has no events")
    }
}

/// Runs the `temporal` program against a server.
pub fn cli(program: &Path, address: &str, arguments: &[&str]) -> Result<String> {
    output_of(
        Command::new(program)
            .args(arguments)
            .args(["--address", address, "--disable-config-file", "--disable-config-env"])
            .args(["--command-timeout", "20s"]),
    )
}
