//! Nobody sees anything of another tenant's, and no process runs that could show it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::at,
    rows,
    world::{count, exactly, test},
};
use muster_testkit::{
    process::Program,
    stack::Stack,
    template::DATABASE,
    tools::{output_of, random_uuid, wait_until},
};
use serde_json::json;

#[test]
fn a_tenant_sees_only_what_is_its_own() {
    test("tenancy", |stack| {
        let world = World::start(stack)?;
        let ours = &world.client;
        let theirs = ours.with_token(Some(&stack.token(&random_uuid()?)?));
        // One more with the same address: a bad row to look for.
        let body = json!({
            "users": [rows::json_user("shared", 0), rows::json_user("shared", 1), rows::json_user("shared", 1)],
            "on_error": "continue",
        });
        let made = ours.post_json(&[("Idempotency-Key", "k")], &body)?.must_be(201)?;
        let operation = made.operation()?;
        let paths = [
            format!("/api/v1/users/{}", made.text("/created/0/id")),
            format!("/api/v1/operations/{operation}"),
            format!("/api/v1/operations/{operation}/rows"),
        ];
        for path in &paths {
            ours.get(path)?.must_be(200)?;
            theirs.get(path)?.must_be_problem(404, "ENTITY_NOT_FOUND")?;
        }
        // The same addresses and the same key are free to another tenant.
        let again = theirs.post_json(&[("Idempotency-Key", "k")], &body)?.must_be(201)?;
        ensure!(again.operation()? != operation && at(&again.body, "/total") == 2, "{again:#?}");
        exactly(stack, 4)
    });
}

#[test]
fn without_a_good_token_nobody_is_served() {
    test("tokens", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let expired = output_of(stack.muster()?.args(["token", "--tenant", &world.tenant, "--ttl", "0"]))?;
        let other_key = stack.home().join("other.pem");
        let mut forger = stack.muster()?;
        forger.env("JWT_PRIVATE_KEY_PATH", &other_key).args(["token", "--tenant", &world.tenant, "--ttl", "600"]);
        let stranger_token = output_of(&mut forger)?;
        // The claims of one genuine token with the signature of another.
        let genuine = |tenant: &str| stack.token(tenant);
        let (claims, signature) = (genuine(&random_uuid()?)?, genuine(&world.tenant)?);
        let claims = claims.rsplit_once('.').context("no token")?.0;
        let spliced = format!("{claims}.{}", signature.rsplit_once('.').context("no token")?.1);

        for (token, code) in [
            (None, "TENANT_TOKEN_MISSING"),
            (Some(expired.as_str()), "TENANT_TOKEN_EXPIRED"),
            (Some(stranger_token.as_str()), "TENANT_TOKEN_INVALID_SIGNATURE"),
            (Some(spliced.as_str()), "TENANT_TOKEN_INVALID_SIGNATURE"),
            (Some("nonsense"), "TENANT_TOKEN_MALFORMED"),
        ] {
            let client = world.client.with_token(token);
            let id = random_uuid()?;
            for answer in [
                client.post_json(&[], &rows::json_body("nobody", 2))?,
                client.get(&format!("/api/v1/users/{id}"))?,
                client.get(&format!("/api/v1/operations/{id}"))?,
                client.get(&format!("/api/v1/operations/{id}/rows"))?,
            ] {
                let answer = answer.must_be_problem(401, code)?;
                ensure!(answer.header("www-authenticate").is_some(), "{answer:#?}");
            }
        }
        ensure!(count(stack, "select count(*) from operations")? == 0, "somebody without a token has left something");
        Ok(())
    });
}

#[test]
fn no_process_runs_whom_row_level_security_does_not_bind() {
    test("guard", |stack| {
        let owner = stack.postgres.owner_url(DATABASE);
        let admin = stack.postgres.admin_url(DATABASE);
        for program in [Program::Api, Program::Worker] {
            refuses(stack, program, &owner, &["muster_owner", "DATABASE_URL"])?;
            refuses(stack, program, &admin, &["postgres", "DATABASE_URL"])?;
        }
        let app = stack.postgres.app_url(DATABASE);
        stack.psql("alter table operation_rows disable row level security")?;
        for program in [Program::Api, Program::Worker] {
            refuses(stack, program, &app, &["operation_rows", "row level security"])?;
        }
        stack.psql("alter table operation_rows enable row level security")?;
        stack.psql("alter table users no force row level security")?;
        for program in [Program::Api, Program::Worker] {
            refuses(stack, program, &app, &["users", "row level security"])?;
        }
        Ok(())
    });
}

/// Starts a program and waits for it to end by itself with an error whose message holds these texts, and no password.
fn refuses(stack: &Stack, program: Program, database_url: &str, texts: &[&str]) -> Result<()> {
    let mut service =
        stack.spawn(program, &format!("refused-{}", program.name()), &[("DATABASE_URL", database_url)])?;
    let status = wait_until("the program to refuse", Duration::from_secs(20), || service.ended())?;
    let said = service.log_tail(3);
    ensure!(!status.success(), "{} ended with {status}: {said}", program.name());
    ensure!(texts.iter().all(|text| said.contains(text)), "{} does not say {texts:?}: {said}", program.name());
    let password = database_url.split([':', '@']).nth(2).context("no password in the URL")?;
    ensure!(!said.contains(password), "{} shows a password: {said}", program.name());
    Ok(())
}

#[test]
fn the_service_role_sees_nothing_until_it_names_a_tenant() {
    test("no-tenant", |stack| {
        let world = World::start(stack)?;
        let body = json!({"users": [rows::json_user("rls", 0), rows::json_user("rls", 0)], "on_error": "continue"});
        world.client.post_json(&[("Idempotency-Key", "k")], &body)?.must_be(201)?;
        let app = stack.postgres.app_url(DATABASE);
        let as_service = |sql: &str| muster_testkit::database::psql(&app, sql);
        for table in [
            "users",
            "user_events",
            "operations",
            "operation_blocks",
            "operation_rows",
            "mail_batches",
            "idempotency_keys",
        ] {
            ensure!(count(stack, &format!("select count(*) from {table}"))? > 0, "{table} is empty");
            let seen = as_service(&format!("select count(*) from {table}"))?;
            ensure!(seen == "0", "the service role sees {seen} rows of {table} without a tenant");
            let seen = as_service(&format!(
                "set app.tenant_id = '{}'; select count(*) from {table} where tenant_id <> '{}'",
                random_uuid()?,
                random_uuid()?
            ))?;
            ensure!(seen == "0", "another tenant sees {seen} rows of {table}");
        }
        let stolen = as_service(&format!(
            "set app.tenant_id = '{}'; insert into users (tenant_id, id, email, username, created_at, updated_at) \
             values ('{}', gen_random_uuid(), 'a@example.com', 'abc', now(), now())",
            random_uuid()?,
            world.tenant
        ));
        ensure!(stolen.is_err(), "a row was written for another tenant");
        Ok(())
    });
}
