//! Operations on users who are there, and undoing them.

use serde_json::{Value, json};

use crate::support::{Answer, World};

const WAIT: [(&str, &str); 1] = [("prefer", "wait=10")];

async fn begin(world: &World, body: Value) -> Answer {
    world.ask("POST", "/api/v1/operations", &WAIT, Some(body)).await
}

/// A new user's id.
async fn make(world: &World, name: &str) -> String {
    world.make(name).await.rsplit('/').next().unwrap().to_owned()
}

async fn rows(world: &World, operation: &Value) -> Vec<(String, String)> {
    let path = format!("{}?status=all", operation["links"]["rows"].as_str().unwrap());
    let page = world.get(&path).await.json();
    let pair = |row: &Value| {
        let code = row["problems"][0]["code"].as_str().unwrap_or_default();
        (row["status"].as_str().unwrap().to_owned(), code.to_owned())
    };
    page["items"].as_array().unwrap().iter().map(pair).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(status, code)| ((*status).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn users_are_deleted_by_id_and_come_back_by_an_undo() {
    let world = World::new();
    let (ada, bob) = (make(&world, "ada").await, make(&world, "bob").await);
    let nobody = "01981c5e-7a00-7000-8000-000000000001";
    let answer = begin(&world, json!({"kind": "users.delete", "ids": [ada, nobody, bob]})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let delete = answer.json();
    assert_eq!(answer.header("location"), delete["links"]["self"].as_str().unwrap());
    assert_eq!(answer.header("preference-applied"), "wait=10");
    assert_eq!((&delete["state"], &delete["progress"]["changed"]), (&json!("partially_succeeded"), &json!(2)));
    assert_eq!(rows(&world, &delete).await, pairs(&[("deleted", ""), ("failed", "not_found"), ("deleted", "")]));
    world.get(&format!("/api/v1/users/{ada}")).await.problem(404, "ENTITY_NOT_FOUND");

    let path = format!("{}/undo", delete["links"]["self"].as_str().unwrap());
    let undo = world.ask("POST", &path, &WAIT, None).await;
    assert_eq!(undo.status, 200, "{}", undo.text);
    let undo = undo.json();
    assert_eq!((&undo["kind"], &undo["parent_id"]), (&json!("operations.undo"), &delete["id"]));
    assert_eq!((&undo["progress"]["changed"], &undo["progress"]["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(world.get(&format!("/api/v1/users/{ada}")).await.status, 200);
    let again = world.ask("POST", &path, &WAIT, None).await;
    assert_eq!((again.json()["id"].clone(), again.header("idempotent-replayed")), (undo["id"].clone(), "true"));
    let parent = world.get(delete["links"]["self"].as_str().unwrap()).await.json();
    assert_eq!(parent["state"], "undone");
}

#[tokio::test]
async fn fields_are_set_by_filter_and_by_rows() {
    let world = World::new();
    let ada = make(&world, "ada").await;
    make(&world, "bob").await;
    let set =
        json!({"kind": "users.update", "filter": {"username": "AD"}, "set": {"full_name": null, "is_active": false}});
    let operation = begin(&world, set).await.json();
    assert_eq!((&operation["progress"]["rows_total"], &operation["progress"]["changed"]), (&json!(1), &json!(1)));
    let user = world.get(&format!("/api/v1/users/{ada}")).await.json();
    assert_eq!((&user["full_name"], &user["is_active"]), (&Value::Null, &json!(false)));

    let csv = format!("shoe_size,is_active,id,full_name\n7,true,{ada},Ada King\n8,perhaps,{ada},\n");
    let operation = world.post("/api/v1/operations?kind=users.update", "text/csv", csv).await;
    assert_eq!(operation.status, 202, "{}", operation.text);
    let operation = world.get(&format!("{}?wait=10", operation.header("location"))).await.json();
    assert_eq!(operation["unknown_columns"], json!(["shoe_size"]));
    assert_eq!(rows(&world, &operation).await, pairs(&[("updated", ""), ("failed", "wrong_type")]));
    let user = world.get(&format!("/api/v1/users/{ada}")).await.json();
    assert_eq!((&user["full_name"], &user["is_active"]), (&json!("Ada King"), &json!(true)));

    let lines = "{\"email\":\"bob@x.com\",\"full_name\":null}\n{\"id\":7}\n";
    let path = "/api/v1/operations?kind=users.update&match=email";
    let operation = world.post(path, "application/x-ndjson", lines).await;
    let operation = world.get(&format!("{}?wait=10", operation.header("location"))).await.json();
    assert_eq!(operation["options"]["match"], "email");
    assert_eq!(rows(&world, &operation).await, pairs(&[("updated", ""), ("failed", "wrong_type")]));
}

#[tokio::test]
async fn an_import_updates_who_is_there() {
    let world = World::new();
    let ada = make(&world, "ada").await;
    let csv = "email,username,full_name\nada@x.com,ada,Ada King\nnew@x.com,new_one,\n";
    let answer = world.batch_at("?on_conflict=update", "text/csv", &WAIT, csv).await;
    let operation = answer.json();
    assert_eq!((&operation["progress"]["created"], &operation["progress"]["changed"]), (&json!(1), &json!(1)));
    assert_eq!(world.get(&format!("/api/v1/users/{ada}")).await.json()["full_name"], "Ada King");

    // Found by id, an address changes.
    let csv = format!("id,email,username\n{ada},ada.king@x.com,ada\n,third@x.com,third\nx,d@x.com,ddd\n");
    let answer = world.batch_at("?on_conflict=replace&match=id", "text/csv", &WAIT, csv).await.json();
    assert_eq!(rows(&world, &answer).await, pairs(&[("updated", ""), ("created", ""), ("failed", "invalid_id")]));
    let user = world.get(&format!("/api/v1/users/{ada}")).await.json();
    assert_eq!((&user["email"], &user["full_name"]), (&json!("ada.king@x.com"), &Value::Null));
    world
        .batch_at("?match=id", "text/csv", &[], "email,username\na@x.com,abc\n")
        .await
        .problem(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_where() {
    let world = World::new();
    let id = "01981c5e-7a00-7000-8000-000000000001";
    for (body, pointer) in [
        (json!([]), ""),
        (json!({"kind": "users.delete", "ids": [id], "reason": "x"}), ""),
        (json!({"ids": [id]}), "/kind"),
        (json!({"kind": "users.import", "ids": [id]}), "/kind"),
        (json!({"kind": "users.delete"}), "/ids"),
        (json!({"kind": "users.delete", "ids": [id], "filter": {"email": "x"}}), "/ids"),
        (json!({"kind": "users.delete", "ids": []}), "/ids"),
        (json!({"kind": "users.delete", "ids": [id, "x"]}), "/ids/1"),
        // Everybody is nobody's filter.
        (json!({"kind": "users.delete", "filter": {}}), "/filter"),
        (json!({"kind": "users.delete", "filter": {"emial": "x"}}), "/filter"),
        (json!({"kind": "users.delete", "filter": {"is_active": "no"}}), "/filter/is_active"),
        (json!({"kind": "users.delete", "filter": {"email": ""}}), "/filter/email"),
        (json!({"kind": "users.update", "ids": [id]}), "/set"),
        (json!({"kind": "users.update", "ids": [id], "set": {}}), "/set"),
        (json!({"kind": "users.update", "ids": [id], "set": {"email": "a@x.com"}}), "/set"),
        (json!({"kind": "users.delete", "ids": [id], "set": {"is_active": true}}), "/set"),
    ] {
        let problem = begin(&world, body.clone()).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    for (query, kind, body, pointer) in [
        ("", "text/csv", "id\n", "/query/kind"),
        ("kind=users.import", "text/csv", "id\n", "/query/kind"),
        ("kind=users.delete&match=shoe", "text/csv", "id\n", "/query/match"),
        ("kind=users.restore&match=email", "text/csv", "email\n", "/query/match"),
        ("kind=users.delete", "text/csv", "email\na@x.com\n", ""),
        ("kind=users.delete", "application/x-ndjson", "", ""),
    ] {
        let answer = world.post(&format!("/api/v1/operations?{query}"), kind, body).await;
        let problem = answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"].as_str().unwrap_or_default(), pointer, "{query}: {problem}");
    }
    let missing = begin(&world, json!({"kind": "users.delete", "filter": {"email": "nobody"}})).await;
    let problem = missing.problem(422, "VALIDATION_ERROR");
    assert_eq!(problem["detail"], "the filter finds nobody, so there is nothing to do");
    world.post("/api/v1/operations", "text/plain", "x").await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(world.store.tenant(world.tenant).operations.is_empty());
}

#[tokio::test]
async fn a_key_stands_for_one_operation() {
    let world = World::new();
    let ada = make(&world, "ada").await;
    let headers = [("idempotency-key", "k1"), ("prefer", "wait=10")];
    let body = json!({"kind": "users.deactivate", "ids": [ada]});
    let first = world.ask("POST", "/api/v1/operations", &headers, Some(body.clone())).await;
    let again = world.ask("POST", "/api/v1/operations", &headers, Some(body)).await;
    assert_eq!((first.json()["id"].clone(), again.header("idempotent-replayed")), (again.json()["id"].clone(), "true"));
    let other = json!({"kind": "users.delete", "ids": [ada]});
    let reused = world.ask("POST", "/api/v1/operations", &headers, Some(other)).await;
    reused.problem(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn what_cannot_be_undone_says_why() {
    let world = World::new();
    let ada = make(&world, "ada").await;
    let erased = begin(&world, json!({"kind": "users.erase", "ids": [ada]})).await.json();
    let path = format!("{}/undo", erased["links"]["self"].as_str().unwrap());
    let problem = world.ask("POST", &path, &[], None).await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], "what users.erase did cannot be taken back");
    let nothing = "/api/v1/operations/01981c5e-7a00-7000-8000-000000000001/undo";
    world.ask("POST", nothing, &[], None).await.problem(404, "ENTITY_NOT_FOUND");
    world.ask("POST", "/api/v1/operations/x/undo", &[], None).await.problem(422, "VALIDATION_ERROR");
}
