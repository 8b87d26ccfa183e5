use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;

use crate::support::World;

const PATH: &str = "/api/v1/operations/00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn no_token_opens_nothing() {
    let world = World::new();
    for (method, path) in [
        ("GET", PATH),
        ("GET", "/api/v1/operations/00000000-0000-0000-0000-000000000000/rows"),
        ("GET", "/api/v1/users/x"),
        ("GET", "/api/v1/operations"),
        ("POST", "/api/v1/users"),
        ("POST", "/api/v1/users/batch"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::from("x")).unwrap();
        let answer = world.send(request).await;
        answer.problem(401, "TENANT_TOKEN_MISSING");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn both_headers_are_read_and_failures_have_their_code() {
    let world = World::new();
    let good = world.token();
    let forged = format!("{}A", good.strip_suffix(good.chars().last().unwrap()).unwrap());
    let forged = if forged == good { forged.replacen("ey", "ex", 2) } else { forged };
    let bearer = format!("Bearer {good}");
    for (headers, expected) in [
        (vec![("x-tenant-token", good.as_str())], "ENTITY_NOT_FOUND"),
        (vec![("authorization", bearer.as_str())], "ENTITY_NOT_FOUND"),
        (vec![("authorization", &bearer.replacen("Bearer", "bearer", 1))], "ENTITY_NOT_FOUND"),
        (vec![("x-tenant-token", good.as_str()), ("authorization", "Basic x")], "ENTITY_NOT_FOUND"),
        (vec![("authorization", good.as_str())], "TENANT_TOKEN_MISSING"),
        (vec![("authorization", "Basic dXNlcjpwdw==")], "TENANT_TOKEN_MISSING"),
        (vec![("x-tenant-token", "")], "TENANT_TOKEN_MISSING"),
        (vec![("x-tenant-token", "garbage")], "TENANT_TOKEN_MALFORMED"),
        (vec![("x-tenant-token", "gärbage")], "TENANT_TOKEN_MALFORMED"),
        (vec![("x-tenant-token", good.as_str()), ("x-tenant-token", good.as_str())], "TENANT_TOKEN_MALFORMED"),
    ] {
        let mut request = Request::get(PATH);
        for (name, value) in &headers {
            request = request.header(*name, value.as_bytes());
        }
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.json()["code"], expected, "{headers:?}");
        assert!(!answer.text.contains("garbage"));
    }
    let request = Request::get(PATH).header("x-tenant-token", forged).body(Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, 401);
    world.clock.advance(TimeDelta::minutes(31));
    let request = Request::get(PATH).header("x-tenant-token", good).body(Body::empty()).unwrap();
    world.send(request).await.problem(401, "TENANT_TOKEN_EXPIRED");
}
