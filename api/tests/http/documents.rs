use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

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

/// Every body of the document: where it is, and the content.
fn bodies(operation: &Value) -> Vec<(String, &Value)> {
    let responses = operation["responses"].as_object().unwrap().iter();
    let all = responses.chain(operation.get("requestBody").map(|body| (&REQUEST, body)));
    let contents = all.filter_map(|(of, part)| Some((of, part.get("content")?.as_object()?)));
    contents
        .flat_map(|(of, kinds)| kinds.iter().map(move |(kind, content)| (format!("{of} {kind}"), content)))
        .collect()
}

static REQUEST: String = String::new();

#[tokio::test]
async fn every_operation_is_documented_whole() {
    let document = World::new().get("/openapi.json").await.json();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}: its id is another's");
            assert!(operation["summary"].is_string(), "{what}");
            // Partners sign instead, which is said by headers that are required.
            let is_signed = operation["parameters"].as_array().is_some_and(|all| {
                all.iter().any(|parameter| parameter["name"] == "X-API-Signature" && parameter["required"] == true)
            });
            let of_tenant = path.starts_with("/api/v1/") && path != "/api/v1/health" && !is_signed;
            assert_eq!(operation["security"].as_array().map(Vec::len), of_tenant.then_some(2), "{what}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = &parameter["name"];
                assert!(parameter["description"].is_string(), "{what}: {name} has no description");
                assert!(parameter["schema"]["type"].is_string(), "{what}: {name} may be more than one thing");
                assert!(!parameter["example"].is_null(), "{what}: {name} has no example");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let what = format!("{what}: {status}");
                assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{what}");
                let headers = response["headers"].as_object().unwrap();
                let needed = match status.as_str() {
                    "401" => &["X-Trace-ID", "WWW-Authenticate"][..],
                    "202" | "429" | "503" => &["X-Trace-ID", "Retry-After"],
                    _ => &["X-Trace-ID"],
                };
                for name in needed {
                    assert!(headers[*name]["example"] != Value::Null, "{what}: {name}");
                }
            }
            for (of, content) in bodies(operation) {
                let example = &content["example"];
                assert!(!example.is_null(), "{what}: {of} has no example, because some field of it has none");
                if of.ends_with("problem+json") {
                    assert!(of.starts_with(&example["status"].to_string()), "{what}: {of}: {example}");
                }
            }
        }
    }
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
