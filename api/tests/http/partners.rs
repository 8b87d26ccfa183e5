//! Signed requests: who is let in, what is said to who is not, and what partners tell.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use muster_api::RateLimits;
use muster_api::server::Peer;
use muster_application::Context;
use muster_application::partners::{AddPartner, PartnerWithSecret, SignedParts, sign};
use muster_application::ports::Clock as _;
use muster_bootstrap::config::TrustedProxies;
use muster_domain::Networks;
use muster_domain::partners::ClientName;
use muster_testkit::memory::MemoryLimiter;
use serde_json::{Value, json};

use crate::support::{Answer, World};

const WINDOW: &str = "Request timestamp too old or in future (tolerance: 300s)";
const STATUS: &str = "/api/v1/partners/status";
pub const WEBHOOK: &str = "/api/v1/partners/webhook";

/// A request and what is to be wrong with it.
pub struct Ask<'a> {
    pub made: &'a PartnerWithSecret,
    pub method: &'a str,
    pub path: &'a str,
    pub body: Vec<u8>,
    /// Seconds from now.
    pub late: i64,
    pub peer: &'a str,
}

impl World {
    pub async fn partner(&self, allowed: &str) -> PartnerWithSecret {
        let allowed = Networks::parse(allowed).unwrap_or_default();
        let command = AddPartner { name: ClientName::parse("Billing").unwrap(), allowed };
        self.state.app.add_partner(&Context::new(self.tenant), command).await.unwrap()
    }

    fn headers(&self, ask: &Ask<'_>) -> [(&'static str, String); 3] {
        let timestamp = (self.clock.now().timestamp() + ask.late).to_string();
        let parts =
            SignedParts { timestamp: &timestamp, method: ask.method, path: ask.path, body: ask.body.as_slice() };
        let signature = sign(&ask.made.secret, &parts).unwrap();
        [
            ("x-api-client-id", ask.made.client.public_id.to_string()),
            ("x-api-timestamp", timestamp),
            ("x-api-signature", signature),
        ]
    }

    async fn send_with(&self, ask: &Ask<'_>, headers: &[(&'static str, String)]) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !ask.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Body::from(ask.body.clone())).unwrap();
        request.extensions_mut().insert(Peer(ask.peer.parse::<IpAddr>().unwrap()));
        self.send(request).await
    }

    pub async fn signed(&self, ask: &Ask<'_>) -> Answer {
        self.send_with(ask, &self.headers(ask)).await
    }
}

pub fn get(made: &PartnerWithSecret) -> Ask<'_> {
    Ask { made, method: "GET", path: STATUS, body: Vec::new(), late: 0, peer: "192.0.2.7" }
}

pub fn created(event_id: &str) -> Value {
    let data = json!({ "email": "ada@example.com", "username": "ada", "full_name": "Ada" });
    json!({ "event_type": "user.created", "event_id": event_id, "data": data, "more": 1 })
}

#[tokio::test]
async fn who_signs_is_told_who_they_are() {
    let world = World::new();
    for allowed in ["", "192.0.2.0/24, 2001:db8::1"] {
        let made = world.partner(allowed).await;
        let answer = world.signed(&get(&made)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let ips = if allowed.is_empty() { json!(["*"]) } else { json!(["192.0.2.0/24", "2001:db8::1/128"]) };
        let expected = json!({
            "partner_id": made.client.public_id.as_str(),
            "authenticated": true,
            "allowed_ips": ips,
            "message": "Partner API is operational",
        });
        assert_eq!(answer.json(), expected);
    }
}

#[tokio::test]
async fn every_refusal_is_as_the_contract_says() {
    let world = World::new();
    let made = world.partner("192.0.2.0/24").await;
    let other = world.partner("").await;
    let good = world.headers(&get(&made));
    let with = |name: &str, value: &str| {
        good.clone().map(|(header, good)| if header == name { (header, value.to_owned()) } else { (header, good) })
    };
    let off = world.partner("").await;
    world.state.app.set_partner_active(off.client.public_id.as_str(), false).await.unwrap();
    let at = |late| world.headers(&Ask { late, ..get(&made) });
    let asked = get(&made);
    let elsewhere = Ask { peer: "198.51.100.1", ..get(&made) };
    for (status, code, detail, ask, headers) in [
        (401, "PARTNER_CLIENT_UNKNOWN", "Invalid API client ID", &asked, with("x-api-client-id", "mpc_nobody")),
        (403, "PARTNER_CLIENT_INACTIVE", "API client is inactive", &asked, world.headers(&get(&off))),
        (403, "PARTNER_ADDRESS_NOT_ALLOWED", "IP address not allowed", &elsewhere, good.clone()),
        (401, "PARTNER_TIMESTAMP_INVALID", "Invalid timestamp format", &asked, with("x-api-timestamp", "now")),
        (401, "PARTNER_TIMESTAMP_OUT_OF_WINDOW", WINDOW, &asked, at(-301)),
        (401, "PARTNER_TIMESTAMP_OUT_OF_WINDOW", WINDOW, &asked, at(301)),
        (401, "PARTNER_SIGNATURE_INVALID", "Invalid signature", &asked, with("x-api-signature", "00")),
        (401, "PARTNER_SIGNATURE_INVALID", "Invalid signature", &asked, {
            with("x-api-client-id", other.client.public_id.as_str())
        }),
    ] {
        let answer = world.send_with(ask, &headers).await;
        let problem = answer.problem(status, code);
        assert_eq!((&problem["detail"], &problem["errors"]), (&json!(detail), &json!([])), "{code}");
        let challenge = if status == 401 { "Muster-HMAC-SHA256" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge, "{code}");
    }
    // None of these has used it up.
    assert_eq!(world.send_with(&get(&made), &good).await.status, 200);
    for late in [-300, 300] {
        assert_eq!(world.signed(&Ask { late, ..get(&made) }).await.status, 200);
    }
}

#[tokio::test]
async fn a_header_that_is_missing_or_given_twice_is_named() {
    let world = World::new();
    let made = world.partner("").await;
    let names = ["x-api-client-id", "x-api-timestamp", "x-api-signature"];
    let none = world.send_with(&get(&made), &[]).await;
    insta::assert_json_snapshot!("partner_headers_missing", none.problem(422, "VALIDATION_ERROR")["errors"]);
    let good = world.headers(&get(&made));
    for name in names {
        let rest: Vec<_> = good.iter().filter(|(header, _)| *header != name).cloned().collect();
        let answer = world.send_with(&get(&made), &rest).await;
        answer.problem(422, "VALIDATION_ERROR");
        let [(pointer, code)] = answer.errors().try_into().unwrap();
        assert_eq!((pointer.to_lowercase(), code.as_str()), (format!("/header/{name}"), "missing"));
        let twice: Vec<_> = good.iter().chain(good.iter().filter(|(header, _)| *header == name)).cloned().collect();
        let answer = world.send_with(&get(&made), &twice).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors()[0].1, "invalid_header");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_refused() {
    let world = World::new();
    let made = world.partner("").await;
    let headers = world.headers(&get(&made));
    assert_eq!(world.send_with(&get(&made), &headers).await.status, 200);
    let again = world.send_with(&get(&made), &headers).await;
    again.problem(401, "PARTNER_SIGNATURE_REUSED");
    assert_eq!(again.header("www-authenticate"), "Muster-HMAC-SHA256");
    let told = Ask { path: WEBHOOK, method: "POST", body: created("1").to_string().into(), ..get(&made) };
    let headers = world.headers(&told);
    assert_eq!(world.send_with(&told, &headers).await.status, 200);
    world.send_with(&told, &headers).await.problem(401, "PARTNER_SIGNATURE_REUSED");
}

#[tokio::test]
async fn bodies_are_bounded_and_read_as_they_were_signed() {
    let world = World::new();
    let made = world.partner("").await;
    let large = Ask { path: WEBHOOK, method: "POST", body: vec![b' '; 65_537], ..get(&made) };
    world.signed(&large).await.problem(413, "PAYLOAD_TOO_LARGE");
    let told = Ask { path: WEBHOOK, method: "POST", body: created("1").to_string().into(), ..get(&made) };
    let mut packed = world.headers(&told).to_vec();
    packed.push(("content-encoding", "gzip".to_owned()));
    world.send_with(&told, &packed).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let mut text = world.headers(&told).to_vec();
    text.push(("content-type", "text/plain".to_owned()));
    world.send_with(&told, &text).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    // Who is not known is not read from.
    let mut unknown = world.headers(&large).to_vec();
    unknown[0].1 = "mpc_nobody".to_owned();
    world.send_with(&large, &unknown).await.problem(401, "PARTNER_CLIENT_UNKNOWN");
    assert_eq!(world.signed(&told).await.status, 200);
}

#[tokio::test]
async fn an_address_is_what_a_trusted_proxy_says_and_nobody_else() {
    let mut world = World::new();
    world.state.trusted_proxies = TrustedProxies::parse("10.0.0.1").unwrap();
    let made = world.partner("192.0.2.7").await;
    for (peer, status) in [("10.0.0.1", 200), ("198.51.100.1", 403)] {
        let ask = Ask { peer, ..get(&made) };
        let mut headers = world.headers(&ask).to_vec();
        headers.push(("x-forwarded-for", "192.0.2.7".to_owned()));
        assert_eq!(world.send_with(&ask, &headers).await.status.as_u16(), status, "{peer}");
    }
}

#[tokio::test]
async fn partners_have_a_budget_and_who_guesses_pays_as_an_address() {
    let mut world = World::new();
    let limiter = Arc::new(MemoryLimiter::new(world.clock.clone()));
    world.state.rate_limits = Some(RateLimits::new(limiter, 2.try_into().unwrap(), 2.try_into().unwrap()));
    let made = world.partner("").await;
    let ask = get(&made);
    for n in 0..3 {
        let path = format!("{STATUS}?n={n}");
        let answer = world.signed(&Ask { path: &path, ..get(&made) }).await;
        assert_eq!(answer.status, if n < 2 { 200 } else { 429 });
        assert!(answer.header("ratelimit").starts_with("\"partners\""), "{}", answer.header("ratelimit"));
    }
    let mut wrong = world.headers(&ask).to_vec();
    wrong[2].1 = "0".repeat(64);
    for status in [401, 401, 429] {
        let answer = world.send_with(&ask, &wrong).await;
        assert_eq!(answer.status, status);
        assert!(answer.header("ratelimit").starts_with("\"anonymous\""), "{}", answer.header("ratelimit"));
    }
}
