//! Payloads of the engine, shown to operators.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_api::CodecEndpoint;
use muster_bootstrap::config::CodecToken;
use muster_bootstrap::{Payload, PayloadKeys};
use serde_json::{Value, json};

use crate::support::{Answer, World};

const PATH: &str = "/codec/decode";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const UI: &str = "https://temporal.example.com";

fn keys(id: &str) -> PayloadKeys {
    PayloadKeys::new([(id.to_owned(), [7; PayloadKeys::BYTES])]).unwrap()
}

fn world() -> World {
    let mut world = World::new();
    let token = CodecToken::new(TOKEN).unwrap();
    world.state.codec = Some(CodecEndpoint { keys: keys("a"), token, origins: vec![UI.to_owned()] });
    world
}

async fn ask(world: &World, authorization: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(PATH).header("content-type", "application/json").header("x-namespace", "default");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn decode(world: &World, body: &Value) -> Answer {
    ask(world, Some(&format!("Bearer {TOKEN}")), &body.to_string()).await
}

fn clear() -> Value {
    json!({ "metadata": { "encoding": STANDARD.encode("json/plain") }, "data": STANDARD.encode("{\"id\":1}") })
}

/// As Temporal has it, encrypted with the key of this id.
fn sealed(id: &str) -> Value {
    let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
    let sealed = keys(id).seal(&Payload { metadata, data: b"{\"id\":1}".to_vec(), ..Payload::default() }).unwrap();
    let metadata: serde_json::Map<_, _> =
        sealed.metadata.iter().map(|(name, value)| (name.clone(), STANDARD.encode(value).into())).collect();
    json!({ "metadata": metadata, "data": STANDARD.encode(&sealed.data) })
}

#[tokio::test]
async fn payloads_are_shown_in_their_order_and_what_is_clear_stays_so() {
    let empty = json!({ "metadata": { "encoding": STANDARD.encode("binary/null") } });
    let more = json!({ "metadata": {}, "data": "", "externalPayloads": [{ "sizeBytes": "7" }] });
    let answer = decode(&world(), &json!({ "payloads": [sealed("a"), clear(), empty, more, sealed("a")] })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let empty = json!({ "metadata": { "encoding": STANDARD.encode("binary/null") }, "data": "" });
    assert_eq!(answer.json(), json!({ "payloads": [clear(), clear(), empty, more, clear()] }));
    assert_eq!(decode(&world(), &json!({ "payloads": [] })).await.json(), json!({ "payloads": [] }));
}

#[tokio::test]
async fn nobody_without_the_token_is_shown_anything() {
    let (world, body) = (world(), json!({ "payloads": [sealed("a")] }).to_string());
    let (short, long) = (format!("Bearer {}", &TOKEN[1..]), format!("Bearer {TOKEN}0"));
    let basic = format!("Basic {}", STANDARD.encode(format!("x:{TOKEN}")));
    let tenant = format!("Bearer {}", world.token());
    for given in
        [None, Some(""), Some("Bearer"), Some(TOKEN), Some(&*short), Some(&*long), Some(&*basic), Some(&*tenant)]
    {
        let answer = ask(&world, given, &body).await;
        answer.problem(401, "CODEC_TOKEN_INVALID");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{given:?}");
    }
    let twice = Request::post(PATH).header("content-type", "application/json");
    let twice = twice.header("authorization", format!("Bearer {TOKEN}")).header("authorization", "Bearer x");
    world.send(twice.body(body.into()).unwrap()).await.problem(401, "CODEC_TOKEN_INVALID");
}

#[tokio::test]
async fn what_cannot_be_shown_is_named() {
    let world = world();
    let answer = decode(&world, &json!({ "payloads": [clear(), sealed("b")] })).await;
    let problem = answer.problem(422, "VALIDATION_ERROR");
    assert!(
        problem["detail"].as_str().unwrap().contains("the key b, which MUSTER_CODEC_KEYS does not have"),
        "{problem}"
    );
    assert_eq!(answer.errors(), [("/payloads/1".to_owned(), "invalid_payload".to_owned())]);
    let mut damaged = sealed("a");
    damaged["data"] = STANDARD.encode([0; 40]).into();
    for wrong in [damaged, json!({ "data": "no base64" }), json!({ "metadata": { "encoding": "*" } })] {
        decode(&world, &json!({ "payloads": [wrong] })).await.problem(422, "VALIDATION_ERROR");
    }
    for wrong in ["", "1", "{\"payloads\": 1}"] {
        ask(&world, Some(&format!("bearer {TOKEN}")), wrong).await.problem(422, "VALIDATION_ERROR");
    }
    let large = json!({ "payloads": [{ "data": "A".repeat(8 << 20) }] });
    decode(&world, &large).await.problem(413, "PAYLOAD_TOO_LARGE");
    let text = Request::post(PATH).header("authorization", format!("Bearer {TOKEN}")).body(Body::from("x")).unwrap();
    world.send(text).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    world.send(Request::get(PATH).body(Body::empty()).unwrap()).await.problem(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn the_page_of_temporal_may_ask_and_no_other() {
    let world = world();
    let preflight = async |origin: &str, path: &str| {
        let request = Request::options(path).header("origin", origin).header("access-control-request-method", "POST");
        let request = request.header("access-control-request-headers", "authorization,content-type,x-namespace");
        world.send(request.body(Body::empty()).unwrap()).await
    };
    let allowed = preflight(UI, PATH).await;
    assert_eq!((allowed.status.as_u16(), allowed.header("access-control-allow-origin")), (200, UI));
    for header in ["authorization", "content-type", "x-namespace"] {
        assert!(allowed.header("access-control-allow-headers").contains(header), "{:?}", allowed.headers);
    }
    let wrong = Request::post(PATH).header("origin", UI).body(Body::empty()).unwrap();
    let wrong = world.send(wrong).await;
    wrong.problem(401, "CODEC_TOKEN_INVALID");
    assert_eq!(wrong.header("access-control-allow-origin"), UI, "the page may read why");
    assert_eq!(preflight("https://evil.example.com", PATH).await.header("access-control-allow-origin"), "");
    assert_eq!(preflight(UI, "/api/v1/users").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn it_is_no_part_of_the_api_of_tenants_and_off_unless_configured() {
    let document = world().get("/openapi.json").await.json();
    assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.contains("codec")));
    let body = json!({ "payloads": [] }).to_string();
    ask(&World::new(), Some(&format!("Bearer {TOKEN}")), &body).await.problem(404, "ENTITY_NOT_FOUND");
    for path in ["/codec", "/codec/encode"] {
        world().ask("POST", path, &[], None).await.problem(404, "ENTITY_NOT_FOUND");
    }
}
