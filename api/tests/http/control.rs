use serde_json::{Value, json};

use crate::support::{Answer, Engine, World, csv};

async fn ask(world: &World, operation: &Value, what: &str) -> Answer {
    let path = operation["links"]["self"].as_str().unwrap();
    world.ask("POST", &format!("{path}/{what}"), &[], None).await
}

/// An import that no worker has begun.
async fn queued(world: &World, query: &str) -> Value {
    world.set_engine(Engine::Sleeps);
    let file = csv(0..12_000);
    let answer = world.batch_at(&format!("?{query}"), "text/csv", &[("prefer", "respond-async")], file).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn an_operation_is_paused_resumed_and_cancelled() {
    let world = World::new();
    let operation = queued(&world, "max_errors=0.5%25").await;
    assert_eq!((&operation["options"]["max_errors"], &operation["pause"]), (&json!("0.50%"), &json!(null)));
    for _ in 0..2 {
        let paused = ask(&world, &operation, "pause").await.json();
        assert_eq!((&paused["state"], &paused["pause"]["reason"]), (&json!("paused"), &json!("asked")));
        assert!(paused["pause"]["since"].as_str().unwrap().ends_with('Z'), "{paused}");
    }
    let list = world.get("/api/v1/operations?state=paused").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    for _ in 0..2 {
        let resumed = ask(&world, &operation, "resume?max_errors=7").await.json();
        assert_eq!((&resumed["state"], &resumed["pause"]), (&json!("queued"), &json!(null)));
        assert_eq!(resumed["options"]["max_errors"], "7");
    }
    for _ in 0..2 {
        let cancelled = ask(&world, &operation, "cancel").await.json();
        assert_eq!(cancelled["state"], "cancelled");
        assert!(cancelled["finished_at"].is_string());
    }
    for what in ["pause", "resume"] {
        let problem = ask(&world, &operation, what).await.problem(409, "BUSINESS_RULE_VIOLATION");
        assert!(problem["detail"].as_str().unwrap().contains("cancelled"), "{problem}");
    }
}

#[tokio::test]
async fn a_budget_that_is_none_is_refused_before_anything_is_stored() {
    let world = World::new();
    for wrong in ["", "many", "-1", "101%25", "1.5"] {
        let file = csv(0..2);
        let answer = world.batch_at(&format!("?max_errors={wrong}"), "text/csv", &[], file).await;
        let problem = answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], "/query/max_errors", "{wrong}");
    }
    assert!(world.store.tenant(world.tenant).operations.is_empty());
    let operation = queued(&world, "").await;
    let problem = ask(&world, &operation, "resume?max_errors=x").await.problem(422, "VALIDATION_ERROR");
    assert_eq!(problem["errors"][0]["pointer"], "/query/max_errors");
}
