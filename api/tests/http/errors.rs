use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use muster_application::ErrorCode;
use serde_json::Value;

use muster_bootstrap::config::{Cors, CorsOrigins};
use uuid::Uuid;

use crate::support::{Answer, World};

#[tokio::test]
async fn unknown_paths_and_wrong_methods_have_the_envelope() {
    let world = World::new();
    for path in ["/nothing", "/api/v1/users/batch/x", "/api/v2/users", "//", "/docs/../etc/passwd"] {
        let problem = world.get(path).await.problem(404, "ENTITY_NOT_FOUND");
        assert_eq!(problem["instance"], path);
    }
    let request = Request::delete("/api/v1/users/batch").body(Body::empty()).unwrap();
    let answer = world.send(request).await;
    answer.problem(405, "METHOD_NOT_ALLOWED");
    assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
    let request = Request::post("/health").body(Body::empty()).unwrap();
    let answer = world.send(request).await;
    answer.problem(405, "METHOD_NOT_ALLOWED");
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
}

/// One answer of each kind, asked for with a header of its own.
async fn every_kind_of_answer(world: &World, header: (&str, &str)) -> Vec<(u16, Answer)> {
    let user = world.make("ada").await;
    let tag = world.get(&user).await.header("etag").to_owned();
    let token = world.token();
    let token = ("x-tenant-token", token.as_str());
    let mut answers = Vec::new();
    for (status, method, path, headers) in [
        (200, "GET", "/", &[][..]),
        (200, "GET", "/health/live", &[]),
        (200, "GET", "/openapi.json", &[]),
        (200, "GET", &*user, &[token]),
        (200, "OPTIONS", &*user, &[("origin", "https://a.example"), ("access-control-request-method", "PUT")]),
        (202, "POST", "/api/v1/users/batch?send_welcome=false", &[token, ("content-type", "text/csv")]),
        (304, "GET", &*user, &[token, ("if-none-match", &*tag)]),
        (308, "GET", "/docs", &[]),
        (401, "GET", "/api/v1/operations/x", &[]),
        (404, "GET", "/nothing", &[]),
        (404, "GET", "/docs/nothing.js", &[]),
        (405, "DELETE", "/health", &[]),
        (415, "POST", "/api/v1/users", &[token]),
        (422, "GET", "/api/v1/users?limit=x", &[token]),
        (204, "DELETE", &*user, &[token]),
    ] {
        let mut request = Request::builder().method(method).uri(path).header(header.0, header.1);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if status == 202 { "email,username\nu@x.com,user1\n" } else { "" };
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{method}: {}", answer.text);
        answers.push((status, answer));
    }
    answers
}

fn production() -> World {
    let mut world = World::new();
    world.state.environment = "production".to_owned();
    world.state.cors = Some(Cors { origins: CorsOrigins::Any, credentials: false });
    world
}

#[tokio::test]
async fn every_answer_carries_a_trace_id_and_the_security_headers() {
    for (_, answer) in every_kind_of_answer(&production(), ("traceparent", "rubbish")).await {
        let fresh = answer.header("x-trace-id");
        assert!(fresh.len() == 32 && fresh.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
        assert_eq!(Uuid::parse_str(fresh).unwrap().get_version_num(), 7);
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ] {
            assert_eq!(answer.header(name), value, "{}", answer.status);
        }
        let denied = answer.header("permissions-policy");
        for sensor in ["accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone"] {
            assert!(denied.split(", ").any(|item| item == format!("{sensor}=()")), "{denied}");
        }
    }
}

#[tokio::test]
async fn every_answer_names_the_callers_trace() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let given = format!("00-{trace}-b7ad6b7169203331-01");
    for (_, answer) in every_kind_of_answer(&production(), ("traceparent", &given)).await {
        assert_eq!(answer.header("x-trace-id"), trace, "{}", answer.status);
    }
}

#[tokio::test]
async fn pages_have_a_policy_of_their_own_and_only_production_asks_for_tls() {
    let answer = World::new().get("/docs/").await;
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(!answer.headers.contains_key("strict-transport-security"));
    assert!(production().get("/docs/").await.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_problem_looks_like_this() {
    let world = World::new();
    let request = Request::get("/api/v1/operations/x?secret=1")
        .header("x-tenant-token", world.token())
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    insta::assert_json_snapshot!("problem", answer.json());
}

/// The names of the files in `docs/errors`, but for the index.
fn documented() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter(|name| name != "README.md").map(|name| name.trim_end_matches(".md").to_owned()).collect()
}

#[tokio::test]
async fn every_code_has_a_page_and_every_page_a_code() {
    let codes: BTreeSet<String> = ErrorCode::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(codes.len(), ErrorCode::ALL.len(), "a name is given twice");
    assert_eq!(codes, documented());
    let index =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors/README.md")).unwrap();
    let world = World::new();
    for code in codes {
        assert!(index.contains(&format!("[`{code}`]({code}.md)")), "{code} is not in the index");
        let page = world.get(&format!("/problems/{code}")).await;
        assert_eq!(page.status, 200, "{code}");
        assert!(page.text.contains(&format!("<h1>{code}</h1>")), "{}", page.text);
        assert!(page.header("content-security-policy").starts_with("default-src 'self'"), "{:?}", page.headers);
    }
    world.get("/problems/NOTHING").await.problem(404, "ENTITY_NOT_FOUND");
    world.get("/problems/conflict").await.problem(404, "ENTITY_NOT_FOUND");
}

/// What a page shows is what is sent: the same members, and `code` wherever it belongs.
#[tokio::test]
async fn the_examples_of_the_pages_are_problems() {
    let members = |problem: &Value| problem.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let sent = members(&World::new().get("/nothing").await.json());
    for code in ErrorCode::ALL {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/errors/{code}.md"));
        let text = std::fs::read_to_string(file).unwrap();
        let Some((_, rest)) = text.split_once("```json\n") else {
            assert!(text.contains("no answer of the API has it"), "{code} has no example");
            continue;
        };
        let shown: Value = serde_json::from_str(rest.split("```").next().unwrap()).unwrap();
        assert_eq!(members(&shown), sent, "{code}");
        assert_eq!((&shown["code"], &shown["error"]["code"]), (&Value::from(code.name()), &Value::from(code.name())));
        assert_eq!(shown["type"], format!("/problems/{code}"));
        assert_eq!((&shown["error"]["details"], &shown["error"]["message"]), (&shown["errors"], &shown["detail"]));
        let (status, title) = (&shown["status"], shown["title"].as_str().unwrap());
        assert!(text.contains(&format!("\nStatus {status} ({title})")), "{code}: the first line says something else");
    }
}

#[tokio::test]
async fn without_pages_the_type_says_nothing() {
    let mut world = World::new();
    world.state.docs_url = None;
    assert_eq!(world.get("/problems/CONFLICT").await.problem(404, "ENTITY_NOT_FOUND")["type"], "about:blank");
}
