use std::path::Path;

use crate::support::World;

#[tokio::test]
async fn the_openapi_document_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let served = World::new().get("/openapi.json").await;
    assert_eq!(served.header("content-type"), "application/json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &served.text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == served.text,
        "api/openapi.json is out of date; run with UPDATE_OPENAPI=1 and look at the change"
    );
    assert_eq!(served.json()["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_page_needs_no_inline_script_and_no_other_host() {
    let world = World::new();
    let redirect = world.get("/docs").await;
    assert_eq!((redirect.status.as_u16(), redirect.header("location")), (308, "/docs/"));
    let page = world.get("/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    for script in page.text.split("<script").skip(1) {
        assert!(script.trim_start().starts_with("src=\"./"), "an inline script: {script}");
    }
    assert!(!page.text.contains("<style"), "an inline style");
    for file in ["swagger-ui.css", "index.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        let file = world.get(&format!("/docs/{file}")).await;
        assert_eq!(file.status, 200);
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
    assert!(world.get("/docs/swagger-initializer.js").await.text.contains("\"/openapi.json\""));
    world.get("/docs/nothing.js").await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn both_can_be_switched_off() {
    let mut world = World::new();
    world.state.docs_url = None;
    world.get("/docs/").await.problem(404, "ENTITY_NOT_FOUND");
    assert_eq!(world.get("/openapi.json").await.status, 200);
    world.state.openapi_url = None;
    world.get("/openapi.json").await.problem(404, "ENTITY_NOT_FOUND");
}
