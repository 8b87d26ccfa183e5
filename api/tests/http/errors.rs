use axum::body::Body;
use axum::http::Request;

use crate::support::World;

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

#[tokio::test]
async fn every_answer_carries_a_trace_id_and_the_security_headers() {
    let world = World::new();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let given = format!("00-{trace}-b7ad6b7169203331-01");
    for path in ["/", "/nothing", "/health/live", "/api/v1/operations/x", "/docs/", "/openapi.json"] {
        let request = Request::get(path).header("traceparent", &given).body(Body::empty()).unwrap();
        assert_eq!(world.send(request).await.header("x-trace-id"), trace);
        let request = Request::get(path).header("traceparent", "rubbish").body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        let fresh = answer.header("x-trace-id");
        assert!(fresh.len() == 32 && fresh != trace && fresh.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "strict-origin-when-cross-origin");
        assert!(answer.header("permissions-policy").contains("camera=()"));
        let csp = answer.header("content-security-policy");
        assert!(csp.starts_with(if path == "/docs/" { "default-src 'self'" } else { "default-src 'none'" }), "{csp}");
        assert!(!csp.contains("unsafe"), "{csp}");
    }
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
