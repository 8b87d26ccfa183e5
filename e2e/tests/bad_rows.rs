//! Of a file with bad rows exactly these are reported, each with its line, and all others become users.

mod bad;

use std::{collections::BTreeSet, io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use bad::File;
use muster_e2e::{
    Answer, Client, World,
    client::{at, number},
    world::{exactly, test},
};
use muster_testkit::stack::Stack;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);

/// The user whose address and name the files want as well.
fn make_taken(client: &Client) -> Result<()> {
    let user = json!({"users": [{"email": bad::TAKEN_EMAIL, "username": bad::TAKEN_NAME}], "send_welcome": false});
    client.post_json(&[], &user)?.must_be(201)?;
    Ok(())
}

fn upload(client: &Client, file: &File, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Value> {
    let id = client.post(file.media, query, headers, body)?.must_be(202)?.operation()?;
    client.ended(&id, PATIENCE)
}

/// Compares what is reported with what the file has.
fn reported(client: &Client, operation: &Value, file: &File) -> Result<()> {
    let found = client.rows(at(operation, "/id").as_str().unwrap_or_default(), 7)?;
    let found: BTreeSet<String> = found
        .iter()
        .map(|row| {
            let problems = at(row, "/problems").as_array().into_iter().flatten();
            let problems: BTreeSet<String> =
                problems.map(|problem| format!("{} {}", at(problem, "/field"), at(problem, "/code"))).collect();
            format!("row {} line {} {}: {problems:?}", at(row, "/row"), at(row, "/line"), at(row, "/status"))
        })
        .collect();
    let expected: BTreeSet<String> = file
        .bad
        .iter()
        .map(|bad| {
            let problems: BTreeSet<String> =
                bad.problems.iter().map(|(field, code)| format!("{} {}", json!(field), json!(code))).collect();
            format!("row {} line {} \"failed\": {problems:?}", bad.row, bad.line)
        })
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&expected).collect();
    ensure!(missing.is_empty() && surplus.is_empty(), "not reported: {missing:#?}\nreported instead: {surplus:#?}");
    ensure!(number(operation, "/progress/failed") == u64::try_from(file.bad.len())?, "{operation:#}");
    Ok(())
}

fn all_others_exist(stack: &Stack, file: &File) -> Result<()> {
    exactly(stack, u64::try_from(file.good.len())? + 1)?;
    let users = stack.psql("select email from users")?;
    let users: BTreeSet<&str> = users.lines().filter(|email| *email != bad::TAKEN_EMAIL).collect();
    ensure!(users == file.good.iter().map(String::as_str).collect(), "other users than those of the good rows");
    Ok(())
}

#[test]
fn exactly_the_bad_rows_of_a_csv_file_are_reported_with_their_lines() {
    test("bad-csv", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        make_taken(client)?;
        let file = bad::csv(1_000);

        // All or nothing, compressed: nothing.
        let packed = gzip(&file.body)?;
        let query = "on_error=abort&send_welcome=false";
        let aborted = upload(client, &file, query, &[("Content-Encoding", "gzip")], &packed)?;
        ensure!(at(&aborted, "/state") == "failed", "{aborted:#}");
        ensure!(number(&aborted, "/progress/created") == 0, "{aborted:#}");
        reported(client, &aborted, &file)?;
        exactly(stack, 1)?;

        // As many as possible, compressed in another way.
        let packed = zstd::encode_all(file.body.as_slice(), 3)?;
        let done = upload(client, &file, "send_welcome=false", &[("Content-Encoding", "zstd")], &packed)?;
        ensure!(at(&done, "/state") == "partially_succeeded", "{done:#}");
        reported(client, &done, &file)?;
        all_others_exist(stack, &file)?;
        ensure!(at(&done, "/unknown_columns") == &json!(["shoe_size"]), "{done:#}");
        ensure!(at(&done, "/warnings/0").as_str().is_some_and(|text| text.contains("shoe_size")), "{done:#}");

        let name = |n: usize| stack.psql(&format!("select full_name from users where username = 'csv-{n}'"));
        ensure!(name(bad::QUOTED)? == "Ada \"the first\", Lovelace", "quotes: {}", name(bad::QUOTED)?);
        ensure!(name(bad::TWO_LINES)? == "AdaLovelace", "control characters are stripped: {}", name(bad::TWO_LINES)?);
        Ok(())
    });
}

#[test]
fn exactly_the_bad_rows_of_an_ndjson_file_are_reported_with_their_lines() {
    test("bad-ndjson", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        make_taken(client)?;
        let file = bad::ndjson(1_000);
        let aborted = upload(client, &file, "on_error=abort", &[], &file.body)?;
        ensure!(at(&aborted, "/state") == "failed", "{aborted:#}");
        reported(client, &aborted, &file)?;
        exactly(stack, 1)?;

        let done = upload(client, &file, "send_welcome=false", &[], &file.body)?;
        ensure!(at(&done, "/state") == "partially_succeeded", "{done:#}");
        reported(client, &done, &file)?;
        all_others_exist(stack, &file)
    });
}

#[test]
fn a_file_that_cannot_be_read_as_a_whole_is_refused_and_leaves_nothing() {
    test("bad-files", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let refused = |media, headers: &[(&str, &str)], body: &[u8]| -> Result<Answer> {
            world.client.post(media, "", headers, body)?.must_be_problem(422, "VALIDATION_ERROR")
        };
        refused("text/csv", &[], b"")?;
        refused("text/csv", &[], b"email,username\n")?;
        refused("text/csv", &[], b"email,full_name\na@example.com,Ada\n")?;
        refused("text/csv", &[], b"email,username,EMAIL\na@example.com,ada,b@example.com\n")?;
        refused("application/x-ndjson", &[], b"\n\n")?;
        refused("application/json", &[], br#"{"users": []}"#)?;
        refused("application/json", &[], br#"{"users": [{"email": "a@example.com", "username": "ada"}"#)?;
        refused("text/csv", &[("Content-Encoding", "gzip")], b"email,username\na@example.com,ada\n")?;
        let packed = gzip(b"email,username\na@example.com,ada\n")?;
        let cut = packed.get(..packed.len() - 9).unwrap_or_default();
        refused("text/csv", &[("Content-Encoding", "gzip")], cut)?;
        ensure!(muster_e2e::world::nothing_stored(stack)?, "a refused file has left something");
        Ok(())
    });
}

fn gzip(data: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}
