//! `down`: ends exactly what `up` started.

use anyhow::Result;
use muster_testkit::{pids, provision::dev_dir};

pub(crate) fn run() -> Result<()> {
    let ended = end()?;
    if ended.is_empty() {
        println!("Nothing was up.");
    } else {
        println!("Ended {}. Data stays in .dev/.", ended.join(", "));
    }
    Ok(())
}

/// Ends the stack: `api` first, Postgres last. Gives the names of what still ran.
pub(crate) fn end() -> Result<Vec<String>> {
    let dev = dev_dir()?;
    let ended = pids::end_all(&dev.join("pids"))?;
    match std::fs::remove_file(dev.join("stack.env")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(ended),
    }
}
