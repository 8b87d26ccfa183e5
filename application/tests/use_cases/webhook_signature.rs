//! The form of Standard Webhooks 1.0, against what another implementation gives.

use muster_application::webhooks::{secret_text, signature};
use muster_domain::WebhookMessageId;
use muster_domain::webhooks::WebhookSecret;

/// Computed with the module `hmac` of Python 3:
///
/// ```python
/// signed = f"{id}.{timestamp}.{body}".encode()
/// "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
/// ```
///
/// where the keys are `bytes(range(32))` and `bytes(range(100, 132))`.
const SIGNATURES: [&str; 2] =
    ["v1,sYzpl8ICKTzlBrySoyE85EUBP9aUwcUXTDUVsu+YwSc=", "v1,Irtcw3OorMtZQMpKbPrRU+DwKFume8lqS9NsRe7P3U4="];
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const TIMESTAMP: i64 = 1_790_000_000;
const BODY: &str = r#"{"data":{"state":"active","user_id":"018f0000-0000-7000-8000-000000000001"},"timestamp":"2026-09-21T14:13:20.123000Z","type":"user.created"}"#;

fn secret(first: u8) -> WebhookSecret {
    WebhookSecret::new(std::array::from_fn(|n| first + u8::try_from(n).unwrap()))
}

fn signed(secrets: &[WebhookSecret]) -> String {
    let id = WebhookMessageId::new(ID.parse().unwrap());
    signature(secrets.iter(), id, TIMESTAMP, BODY).unwrap()
}

#[test]
fn a_signature_is_what_another_implementation_gives() {
    let [current, former] = SIGNATURES;
    assert_eq!(signed(&[secret(0)]), current);
    assert_eq!(signed(&[secret(100)]), former);
    assert_eq!(signed(&[secret(0), secret(100)]), format!("{current} {former}"));
}

#[test]
fn a_secret_is_shown_as_base64_behind_its_prefix() {
    assert_eq!(secret_text(&secret(0)), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
}
