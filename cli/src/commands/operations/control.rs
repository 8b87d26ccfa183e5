use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::super::outcome::WATCHED_CODES;
use super::super::remote::{Connection, Remote};
use super::super::watch::Posted;
use super::show::{ended, text};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; with --watch, what was begun has succeeded
  1  refused, or anything else
  2  wrong arguments";

/// Which operation, and how it is told.
#[derive(Args)]
struct Which {
    /// Which operation
    id: Uuid,
    /// Print what the API answers
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Args)]
pub(super) struct Pause {
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
#[command(after_help = format!("{EXIT_CODES}\n{WATCHED_CODES}"))]
pub(super) struct Resume {
    #[command(flatten)]
    which: Which,
    /// Follow the operation until it ends or is paused
    #[arg(long)]
    watch: bool,
}

#[derive(Args)]
#[command(after_help = format!("{EXIT_CODES}\n{WATCHED_CODES}"))]
pub(super) struct Cancel {
    #[command(flatten)]
    which: Which,
    /// Take back what was done, by an operation of its own
    #[arg(long)]
    undo: bool,
    /// With --undo, follow that operation until it ends or is paused
    #[arg(long, requires = "undo")]
    watch: bool,
}

#[derive(Args)]
#[command(after_help = format!("{EXIT_CODES}\n{WATCHED_CODES}"))]
pub(super) struct Undo {
    #[command(flatten)]
    which: Which,
    /// Follow the undo until it ends or is paused
    #[arg(long)]
    watch: bool,
}

impl Pause {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (_, paused) = self.which.post("pause", &[])?;
        let id = self.which.id;
        self.which.tell(
            &paused.body,
            &format!("{id} is {}: no row is done until `muster operations resume {id}`", text(&paused.body, "/state")),
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Resume {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (connection, resumed) = self.which.post("resume", &[])?;
        let says = format!("{} goes on: it is {}", self.which.id, text(&resumed.body, "/state"));
        self.which.follow(&connection, &self.which.id.to_string(), &resumed.body, &says, self.watch)
    }
}

impl Cancel {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let id = self.which.id;
        let query: &[_] = if self.undo { &[("on_cancel", "undo")] } else { &[] };
        let (connection, cancelled) = self.which.post("cancel", query)?;
        let Some(undo) = cancelled.undo else {
            let done = if self.undo { "nothing was done that could be taken back" } else { "what is done stays" };
            self.which.tell(&cancelled.body, &format!("{id} is {}: {done}", text(&cancelled.body, "/state")));
            return Ok(ExitCode::SUCCESS);
        };
        let says = format!("{id} is {}; {undo} takes back what was done", text(&cancelled.body, "/state"));
        self.which.follow(&connection, &undo, &cancelled.body, &says, self.watch)
    }
}

impl Undo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (connection, begun) = self.which.post("undo", &[])?;
        let undo = text(&begun.body, "/id").to_owned();
        let says = format!("{undo} takes back what {} did: it is {}", self.which.id, text(&begun.body, "/state"));
        self.which.follow(&connection, &undo, &begun.body, &says, self.watch)
    }
}

impl Which {
    fn post(&self, action: &str, query: &[(&str, &str)]) -> anyhow::Result<(Connection, Posted)> {
        let connection = self.remote.connection()?;
        let posted = connection.watch().post(&format!("/api/v1/operations/{}/{action}", self.id), query)?;
        Ok((connection, posted))
    }

    fn tell(&self, body: &Value, says: &str) {
        if self.json {
            println!("{body}");
        } else {
            println!("{says}");
        }
    }

    /// Tells what was begun, and how it ended if that is waited for.
    fn follow(
        &self,
        connection: &Connection,
        id: &str,
        body: &Value,
        says: &str,
        watches: bool,
    ) -> anyhow::Result<ExitCode> {
        if !watches {
            self.tell(body, says);
            return Ok(ExitCode::SUCCESS);
        }
        if !self.json {
            println!("{says}");
        }
        let operation = connection.watch().until_ended(id, false)?;
        self.tell(&operation, &format!("{id} is {}", text(&operation, "/state")));
        Ok(ended(&operation))
    }
}
