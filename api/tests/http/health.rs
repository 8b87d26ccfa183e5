use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn the_root_says_where_to_go() {
    let world = World::new();
    let root = world.get("/").await;
    assert_eq!(root.status, 200);
    assert_eq!(root.json(), json!({"message": "Welcome to Muster", "docs": "/docs", "health": "/health"}));
}

#[tokio::test]
async fn health_says_which_part_is_down() {
    let world = World::new();
    for path in ["/health", "/health/ready", "/api/v1/health"] {
        let health = world.get(path).await;
        assert_eq!(health.status, 200, "{path}");
        assert_eq!(
            health.json(),
            json!({
                "status": "ok", "version": env!("CARGO_PKG_VERSION"), "environment": "development",
                "database": "up", "redis": "up", "temporal": "up",
            })
        );
    }
    {
        let mut report = world.health.0.lock().unwrap();
        report.status = "unavailable";
        report.ready = false;
        report.parts[0].up = false;
        report.parts[0].detail = Some("no answer in 2 s".to_owned());
        report.parts.remove(1);
    }
    let ready = world.get("/health/ready").await;
    assert_eq!((ready.status.as_u16(), ready.header("retry-after")), (503, "5"));
    assert_eq!(ready.json()["database"], "down: no answer in 2 s");
    assert_eq!(ready.json()["redis"], "not configured");
    assert_eq!(world.get("/health").await.status, 200);
    let live = world.get("/health/live").await;
    assert_eq!((live.status.as_u16(), live.json()["status"].as_str()), (200, Some("ok")));
}
