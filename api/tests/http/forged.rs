use axum::body::Body;
use axum::http::{HeaderValue, Request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use muster_bootstrap::tokens::TokenError::{
    self, Expired, InvalidClaims, InvalidSignature, Malformed, ValidationFailed,
};
use serde_json::{Value, json};

use crate::forge::{Forge, der, hmac, message, resigned};

const PATH: &str = "/api/v1/operations/00000000-0000-0000-0000-000000000000";
const ES256: &str = r#"{"alg":"ES256","typ":"JWT"}"#;

/// Sends each token both ways: it is refused with its code and its one sentence, and nothing else is said.
async fn refuse(forge: &Forge, forged: Vec<(&str, String, TokenError)>) {
    for (what, token, expected) in forged {
        for (header, value) in [("x-tenant-token", token.clone()), ("authorization", format!("Bearer {token}"))] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let request = Request::get(PATH).header(header, value).body(Body::empty()).unwrap();
            let answer = forge.world.send(request).await;
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            assert_eq!(answer.json()["code"], expected.code().name(), "{what}");
            let problem = answer.problem(401, expected.code().name());
            assert_eq!(problem["detail"], expected.message(), "{what}");
            assert_eq!(problem["errors"], json!([]), "{what}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
            for part in token.split('.').filter(|part| part.len() > 3) {
                assert!(!answer.text.contains(part), "{what}: the answer repeats the token");
            }
        }
    }
}

async fn accept(forge: &Forge, token: &str) {
    let request = Request::get(PATH).header("x-tenant-token", token).body(Body::empty()).unwrap();
    forge.world.send(request).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn the_algorithm_is_not_the_tokens_choice() {
    let forge = Forge::new();
    let good = forge.claims(&json!({}));
    accept(&forge, &forge.ours.sign(ES256, &good)).await;
    let (point, spki) = forge.ours.public();
    let pem = forge.ours.public_pem();
    let unsigned = |header: &str| format!("{}.", message(header, &good));
    let ours = |header: &str| forge.ours.sign(header, &good);
    let hs256 = r#"{"alg":"HS256"}"#;
    let of_hmac = hmac(ES256, &good, pem.as_bytes());
    let table = vec![
        ("none", unsigned(r#"{"alg":"none"}"#), Malformed),
        ("none with a signature", ours(r#"{"alg":"none"}"#), Malformed),
        ("None", ours(r#"{"alg":"None"}"#), Malformed),
        ("nOnE", ours(r#"{"alg":"nOnE"}"#), Malformed),
        ("no signature", unsigned(ES256), Malformed),
        ("alg missing", ours("{}"), Malformed),
        ("alg null", ours(r#"{"alg":null}"#), Malformed),
        ("alg a number", ours(r#"{"alg":256}"#), Malformed),
        ("alg a list", ours(r#"{"alg":["ES256"]}"#), Malformed),
        ("alg empty", ours(r#"{"alg":""}"#), Malformed),
        ("alg in lower case", ours(r#"{"alg":"es256"}"#), Malformed),
        ("alg with a space", ours(r#"{"alg":"ES256 "}"#), Malformed),
        ("Alg", ours(r#"{"Alg":"ES256"}"#), Malformed),
        ("ES384 over ES256", ours(r#"{"alg":"ES384"}"#), Malformed),
        ("ES512 over ES256", ours(r#"{"alg":"ES512"}"#), Malformed),
        ("RS256 over ES256", ours(r#"{"alg":"RS256"}"#), Malformed),
        ("PS256 over ES256", ours(r#"{"alg":"PS256"}"#), Malformed),
        ("EdDSA over ES256", ours(r#"{"alg":"EdDSA"}"#), Malformed),
        ("HS512 over ES256", ours(r#"{"alg":"HS512"}"#), Malformed),
        ("HMAC with the public PEM", hmac(hs256, &good, pem.as_bytes()), Malformed),
        ("HMAC with the trimmed public PEM", hmac(hs256, &good, pem.trim().as_bytes()), Malformed),
        ("HMAC with the public DER", hmac(hs256, &good, &spki), Malformed),
        ("HMAC with the public point", hmac(hs256, &good, &point), Malformed),
        ("HMAC with nothing", hmac(hs256, &good, b""), Malformed),
        ("an HMAC that says ES256", of_hmac, InvalidSignature),
        ("HMAC with a published key", hmac(r#"{"alg":"HS256","kid":"theirs"}"#, &good, &spki), Malformed),
    ];
    refuse(&forge, table).await;
}

#[tokio::test]
async fn the_header_brings_no_key() {
    let forge = Forge::new();
    let good = forge.claims(&json!({}));
    let kid = |kid: Value| json!({"alg": "ES256", "kid": kid}).to_string();
    accept(&forge, &forge.theirs.sign(&kid(json!("theirs")), &good)).await;
    let evil = |header: &str| forge.evil.sign(header, &good);
    let named = |name: Value| evil(&kid(name));
    let carrying = |name: &str, value: Value| evil(&json!({"alg": "ES256", name: value}).to_string());
    let empty = hmac(r#"{"alg":"HS256","kid":"/dev/null"}"#, &good, b"");
    let jwk_and_kid = json!({"alg": "ES256", "kid": "theirs", "jwk": forge.evil.jwk("theirs")}).to_string();
    let table = vec![
        ("kid climbs", named(json!("../../../../../../dev/null")), ValidationFailed),
        ("kid is a path", named(json!("/etc/passwd")), ValidationFailed),
        ("kid is a path to nothing", empty, Malformed),
        ("kid is SQL", named(json!("x' union select 'key' --")), ValidationFailed),
        ("kid is a URL", named(json!("https://evil.example.com/jwks")), ValidationFailed),
        ("kid is a command", named(json!("| sleep 10")), ValidationFailed),
        ("kid is unknown", named(json!("unknown")), ValidationFailed),
        ("kid is empty", named(json!("")), ValidationFailed),
        ("kid has a NUL", named(json!("theirs\u{0}")), ValidationFailed),
        ("kid in upper case", named(json!("THEIRS")), ValidationFailed),
        ("kid is long", named(json!("k".repeat(5000))), ValidationFailed),
        ("kid is null", named(Value::Null), Malformed),
        ("kid is a number", named(json!(0)), Malformed),
        ("kid is a list", named(json!(["theirs"])), Malformed),
        ("kid is an object", named(json!({"theirs": 1})), Malformed),
        ("kid is absent", evil(ES256), InvalidSignature),
        ("their name, another key", named(json!("theirs")), InvalidSignature),
        ("their name, our key", forge.ours.sign(&kid(json!("theirs")), &good), InvalidSignature),
        ("their key, no name", forge.theirs.sign(ES256, &good), InvalidSignature),
        ("kid twice", evil(r#"{"alg":"ES256","kid":"theirs","kid":"evil"}"#), Malformed),
        ("alg twice", evil(r#"{"alg":"none","alg":"ES256"}"#), Malformed),
        ("jwk", carrying("jwk", forge.evil.jwk("evil")), InvalidSignature),
        ("jwk under their name", evil(&jwk_and_kid), InvalidSignature),
        ("jku", carrying("jku", json!("https://evil.example.com/jwks")), InvalidSignature),
        ("x5u", carrying("x5u", json!("https://evil.example.com/cert")), InvalidSignature),
        ("x5c", carrying("x5c", json!(["MIIB"])), InvalidSignature),
        ("x5t", carrying("x5t", json!("AAAA")), InvalidSignature),
        ("crit", carrying("crit", json!(["exp"])), Malformed),
        ("crit and b64", forge.ours.sign(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, &good), Malformed),
        ("crit empty", forge.ours.sign(r#"{"alg":"ES256","crit":[]}"#, &good), Malformed),
        ("header a list", forge.ours.sign(r#"["ES256"]"#, &good), Malformed),
        ("header a text", forge.ours.sign(r#""ES256""#, &good), Malformed),
        ("header no JSON", forge.ours.sign("alg=ES256", &good), Malformed),
        ("header with more behind", forge.ours.sign(r#"{"alg":"ES256"}{}"#, &good), Malformed),
        ("header deep", forge.ours.sign(&"[".repeat(3000), &good), Malformed),
        ("header with a byte order mark", forge.ours.sign("\u{feff}{\"alg\":\"ES256\"}", &good), Malformed),
    ];
    refuse(&forge, table).await;
}

#[tokio::test]
async fn the_form_is_exact() {
    let forge = Forge::new();
    let token = forge.ours.sign(ES256, &forge.claims(&json!({})));
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    // Claims whose base64 needs the two letters that differ between the alphabets.
    let special = forge.claims(&json!({"sub": "ÿÿÿ???>>>ûûû"}));
    let standard = STANDARD_NO_PAD.encode(&special);
    assert!(standard.contains(['+', '/']));
    let padded = URL_SAFE.encode(r#"{"alg":"ES256"}"#.to_owned() + " ");
    assert!(padded.ends_with('='));
    // The last letter of 64 bytes has four bits to spare, which must be zero.
    let last = if signature.ends_with('A') { "B" } else { "_" };
    let spare = format!("{message}.{}{last}", &signature[..85]);
    let huge = forge.ours.sign(ES256, &forge.claims(&json!({"extra": "x".repeat(8 << 10)})));
    let bytes = |bytes: &[u8]| format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(bytes));
    let nested = forge.ours.sign(r#"{"alg":"ES256","cty":"JWT"}"#, &token);
    let quoted = forge.ours.sign(r#"{"alg":"ES256","cty":"JWT"}"#, &json!(token).to_string());
    let table = vec![
        ("one part", payload.to_owned(), Malformed),
        ("two parts", message.to_owned(), Malformed),
        ("four parts", format!("{token}.AAAA"), Malformed),
        ("five parts, as if encrypted", format!("{token}.AAAA.AAAA"), Malformed),
        ("twice", format!("{token}.{token}"), Malformed),
        ("a dot behind", format!("{token}."), Malformed),
        ("a dot in front", format!(".{token}"), Malformed),
        ("dots only", "..".to_owned(), Malformed),
        ("more dots", "....".to_owned(), Malformed),
        ("no header", format!(".{payload}.{signature}"), Malformed),
        ("no payload", format!("{header}..{signature}"), Malformed),
        ("no signature", format!("{message}."), Malformed),
        ("padded header", format!("{padded}.{payload}.{signature}"), Malformed),
        ("padded signature", format!("{token}=="), Malformed),
        ("standard alphabet", format!("{header}.{standard}.{signature}"), Malformed),
        ("a space inside", format!("{header}. {payload}.{signature}"), Malformed),
        ("a tab inside", format!("{header}.{payload}\t.{signature}"), Malformed),
        ("percent-encoded", token.replace('.', "%2E"), Malformed),
        ("quoted", format!("\"{token}\""), Malformed),
        ("two, with a comma", format!("{token},{token}"), Malformed),
        ("not ASCII", format!("{token}é"), Malformed),
        ("impossible length", format!("{header}.{payload}A.{signature}A"), InvalidSignature),
        ("spare bits", spare, Malformed),
        ("oversize, genuine", huge, Malformed),
        ("oversize, letters only", "A".repeat(9000), Malformed),
        ("oversize signature", format!("{message}.{}", "A".repeat(9000)), Malformed),
        ("a JWT in a JWT", nested, Malformed),
        ("a JWT as text in a JWT", quoted, Malformed),
        ("payload of other bytes", bytes(b"\xff\xfe\x00"), InvalidSignature),
        ("JSON instead", r#"{"payload":"e30","signatures":[]}"#.to_owned(), Malformed),
    ];
    refuse(&forge, table).await;
    accept(&forge, &token).await;
}

#[tokio::test]
async fn the_signature_is_whole_and_of_this_token() {
    let forge = Forge::new();
    let claims = forge.claims(&json!({}));
    let token = forge.ours.sign(ES256, &claims);
    let other = forge.ours.sign(ES256, &forge.claims(&json!({"tenant_id": "0192f0c1-7c4e-7d0a-8f7a-3a1b2c3d4e5f"})));
    let (other_message, other_signature) = other.rsplit_once('.').unwrap();
    let (own_message, own_signature) = token.rsplit_once('.').unwrap();
    let change = |change: fn(Vec<u8>) -> Vec<u8>| resigned(&token, change);
    let other_header = message(r#"{"alg": "ES256"}"#, &claims);
    let table = vec![
        ("cut by a byte", change(|all| all[..63].to_vec()), InvalidSignature),
        ("cut in half", change(|all| all[..32].to_vec()), InvalidSignature),
        ("one byte", change(|all| all[..1].to_vec()), InvalidSignature),
        ("one byte more", change(|all| [all, vec![0]].concat()), InvalidSignature),
        ("all zero", change(|_| vec![0; 64]), InvalidSignature),
        ("r zero", change(|all| [&[0; 32], &all[32..]].concat()), InvalidSignature),
        ("s zero", change(|all| [&all[..32], &[0; 32]].concat()), InvalidSignature),
        ("all ones", change(|_| vec![0xff; 64]), InvalidSignature),
        ("r and s swapped", change(|all| [&all[32..], &all[..32]].concat()), InvalidSignature),
        ("in DER", change(|all| der(&all)), InvalidSignature),
        ("zeros in DER", change(|_| vec![0x30, 6, 2, 1, 0, 2, 1, 0]), InvalidSignature),
        ("a bit turned", change(|all| [&[all[0] ^ 1], &all[1..]].concat()), InvalidSignature),
        ("of another token", format!("{own_message}.{other_signature}"), InvalidSignature),
        ("under another tenant", format!("{other_message}.{own_signature}"), InvalidSignature),
        ("under another header", format!("{other_header}.{own_signature}"), InvalidSignature),
    ];
    // What was accepted and is remembered helps nobody.
    accept(&forge, &token).await;
    refuse(&forge, table).await;
}

#[tokio::test]
async fn genuine_tokens_with_wrong_claims_open_nothing() {
    let forge = Forge::new();
    let now = forge.seconds();
    let by_name = |name: &str, value: Value, expected| (json!({name: value}), expected);
    let mut changes: Vec<(Value, TokenError)> = vec![];
    let invalid = InvalidClaims;
    let later = (now + 600).to_string();
    for value in [json!(later), json!("NaN"), json!(true), json!([now + 600]), json!({}), Value::Null, json!(1e300)] {
        changes.push(by_name("exp", value, invalid));
    }
    for value in [json!(u64::MAX), json!(i64::MAX), json!(i64::MIN), json!(-1e300)] {
        changes.push(by_name("exp", value, invalid));
    }
    for value in [json!(now), json!(now - 1), json!(0), json!(-5), json!(-1.5), json!(-0.0), json!(1e-9)] {
        changes.push(by_name("exp", value, Expired));
    }
    for value in [Value::Null, json!("now"), json!(now + 3600), json!(1e300), json!(false)] {
        changes.push(by_name("iat", value, invalid));
    }
    for value in [json!(now + 1), json!("0"), json!([0])] {
        changes.push(by_name("nbf", value, invalid));
    }
    for value in [Value::Null, json!("refresh"), json!("TENANT_ACCESS"), json!(["tenant_access"]), json!("")] {
        changes.push(by_name("type", value, invalid));
    }
    let nil = "00000000-0000-0000-0000-000000000000";
    for value in [Value::Null, json!(7), json!(""), json!("*"), json!("' or 1=1"), json!(nil), json!([nil])] {
        changes.push(by_name("tenant_id", value, invalid));
    }
    for value in [json!(7), json!(["me"]), json!("a\nb"), json!("x".repeat(256))] {
        changes.push(by_name("sub", value, invalid));
    }
    let mut table = Vec::new();
    for (change, expected) in &changes {
        let claims = forge.claims(change);
        table.push(("ours", forge.ours.sign(ES256, &claims), *expected));
        table.push(("theirs", forge.theirs.sign(r#"{"alg":"ES256","kid":"theirs"}"#, &claims), *expected));
    }
    let good = forge.claims(&json!({}));
    let start = good.strip_suffix('}').unwrap();
    let instead = |exp: &str| good.replacen(&format!("\"exp\":{}", now + 600), &format!("\"exp\":{exp}"), 1);
    for (what, claims, expected) in [
        ("exp twice", format!(r#"{start},"exp":9999999999}}"#), invalid),
        ("tenant twice", format!(r#"{start},"tenant_id":"0192f0c1-7c4e-7d0a-8f7a-3a1b2c3d4e5f"}}"#), invalid),
        ("exp without end", instead("1e999"), Malformed),
        ("exp NaN", instead("NaN"), Malformed),
        ("exp Infinity", instead("Infinity"), Malformed),
        ("nothing", "{}".to_owned(), invalid),
        ("a list", format!("[{good}]"), Malformed),
        ("a text", "\"me\"".to_owned(), Malformed),
        ("more behind", format!("{good} {good}"), Malformed),
        ("deep", format!(r#"{start},"a":{}"#, "[".repeat(3000)), Malformed),
    ] {
        table.push((what, forge.ours.sign(ES256, &claims), expected));
    }
    refuse(&forge, table).await;
}
