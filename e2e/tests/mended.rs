//! What went wrong in an import is mended in the file that comes back, and sent again.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::at,
    world::{count, exactly, test},
};

const PATIENCE: Duration = Duration::from_mins(1);
/// More than two blocks.
const USERS: usize = 20_500;

/// A file of an operation, and what it is called.
fn download(client: &Client, id: &str, query: &str) -> Result<(String, String)> {
    let (status, name, text) = client.text(&format!("/api/v1/operations/{id}/rows?{query}"))?;
    ensure!(status == 200, "{status}: {text}");
    Ok((name, text))
}

/// Every tenth row is wrong: its address, or its name.
fn file() -> String {
    let row = |n: usize| match n % 20 {
        0 => format!("-u{n}@example.com,=user{n},\"Surname, N{n}\"\n"),
        10 => format!("u{n} at example.com,user{n},\"Surname, N{n}\"\n"),
        _ => format!("-u{n}@example.com,user{n},\"Surname, N{n}\"\n"),
    };
    ["email,username,full_name\n".to_owned()].into_iter().chain((0..USERS).map(row)).collect()
}

#[test]
fn failed_rows_are_mended_in_the_file_and_all_become_users() {
    test("mended", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        let id = client.import_csv("send_welcome=false", file().as_bytes())?;
        let operation = client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "partially_succeeded", "{operation:#}");
        let (name, failed) = download(client, &id, "format=csv&status=failed")?;
        ensure!(name == format!("attachment; filename=\"operation-{id}-failed.csv\""), "{name}");
        ensure!(failed.lines().count() == 1 + USERS / 10, "{} lines", failed.lines().count());
        // Formulas come as text, and what was text stays it.
        let first = failed.lines().nth(1).context("no row")?;
        ensure!(first.starts_with("'-u0@example.com,'=user0,\"Surname, N0\",failed,,\"username: "), "{first}");

        let mended = failed.replace(",'=user", ",user").replace(" at example.com", "@example.com");
        let again = client.import_csv("send_welcome=false", mended.as_bytes())?;
        let operation = client.ended(&again, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, u64::try_from(USERS)?)?;
        let marked = count(stack, "select count(*) from users where email like '''%' or username like '''%'")?;
        ensure!(marked == 0, "{marked} users have the mark of a formula");

        // The whole file has every row, in order, with its user.
        let (_, all) = download(client, &id, "format=csv")?;
        let rows: Vec<&str> = all.lines().skip(1).collect();
        ensure!(rows.len() == USERS && rows.iter().filter(|row| row.contains(",created,")).count() == USERS * 9 / 10);
        for (n, row) in rows.iter().enumerate() {
            ensure!(row.contains(&format!("\"Surname, N{n}\"")), "row {n}: {row}");
        }
        let (_, lines) = download(client, &again, "format=ndjson")?;
        ensure!(lines.lines().count() == USERS / 10);
        let row: serde_json::Value = serde_json::from_str(lines.lines().next().context("no row")?)?;
        let user = at(&row, "/user_id").as_str().context("no user")?;
        let user = client.get(&format!("/api/v1/users/{user}"))?.must_be(200)?;
        ensure!(user.at("/email") == at(&row, "/email") && user.text("/email") == "-u0@example.com", "{row} {user:?}");
        Ok(())
    });
}

#[test]
fn uploads_and_operations_are_removed_when_they_are_old() {
    test("removed", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        let id = client.import_csv("send_welcome=false", file().as_bytes())?;
        client.ended(&id, PATIENCE)?;
        let before = client.operation(&id)?;
        let age = |days: u32| {
            stack.psql(&format!("update operations set finished_at = finished_at - interval '{days} days'"))
        };
        age(8)?;
        let wait = |sql: &str| muster_e2e::world::wait_for_sql(stack, sql, "0", PATIENCE);
        wait("select count(*) from operation_blocks where payload is not null")?;
        let after = client.operation(&id)?;
        ensure!(at(&after, "/progress") == at(&before, "/progress") && at(&after, "/state") == at(&before, "/state"));
        let (_, failed) = download(client, &id, "format=csv&status=failed")?;
        ensure!(
            failed.lines().count() == 1 + USERS / 10 && failed.lines().skip(1).all(|row| row.starts_with(",,,failed,"))
        );
        age(23)?;
        wait(
            "select (select count(*) from operations) + (select count(*) from operation_rows) \
              + (select count(*) from operation_blocks)",
        )?;
        client.get(&format!("/api/v1/operations/{id}"))?.must_be_problem(404, "ENTITY_NOT_FOUND")?;
        ensure!(count(stack, "select count(*) from users")? == u64::try_from(USERS * 9 / 10)?);
        Ok(())
    });
}
