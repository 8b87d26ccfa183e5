//! What it is measured against: `psql \copy` of the same rows into a table of the same shape and indexes.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use muster_testkit::{data, stack::Stack, template};

const DATABASE: &str = "copy_baseline";
const COLUMNS: &str = "tenant_id, id, email, username, full_name, is_active, version, created_at, updated_at";

/// Makes the database, migrated like the real one, and a copy of the table without row level security.
pub(super) fn prepare(stack: &Stack) -> Result<()> {
    let postgres = &stack.postgres;
    postgres.create_database(DATABASE, None)?;
    template::migrate(stack.bin(), &postgres.owner_url(DATABASE), &postgres.app_url(DATABASE))
}

/// Writes the rows with all that the service adds to them.
pub(super) fn rows_file(file: &Path, prefix: &str, rows: usize) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    for n in 0..rows {
        let data::UserRow { email, username, full_name } = data::user(prefix, n);
        // As the service makes them: one timestamp, ascending row numbers, a fixed rest.
        let id = format!("0199aaaa-0000-7{:03x}-8{:03x}-{:02x}c0ffee0123", n >> 20, (n >> 8) & 0xfff, n & 0xff);
        writeln!(
            out,
            "6b1f6a52-8f5b-4d6e-9d5e-0c7f3c1d2e4f,{id},{},{username},{full_name},t,1,2026-01-01 00:00:00Z,2026-01-01 00:00:00Z",
            email.to_lowercase(),
        )?;
    }
    out.flush()?;
    Ok(())
}

/// Copies the file into an empty table and gives the time it took, psql's start included.
pub(super) fn copy(stack: &Stack, file: &Path) -> Result<Duration> {
    let postgres = &stack.postgres;
    postgres.psql(DATABASE, "drop table if exists plain; create table plain (like users including all)")?;
    postgres.psql(DATABASE, "checkpoint")?;
    let begin = Instant::now();
    postgres
        .psql_script(DATABASE, &[format!("\\copy plain ({COLUMNS}) from '{}' with (format csv)", file.display())])?;
    Ok(begin.elapsed())
}

/// Gives the disk space back.
pub(super) fn finish(stack: &Stack) -> Result<()> {
    stack.postgres.psql("postgres", &format!("drop database {DATABASE} with (force)")).map(drop)
}
