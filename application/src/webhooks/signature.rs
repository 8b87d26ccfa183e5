use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use muster_domain::WebhookMessageId;
use muster_domain::webhooks::WebhookSecret;
use sha2::Sha256;

use crate::AppError;

/// A secret as its owner keeps it.
pub fn secret_text(secret: &WebhookSecret) -> String {
    format!("whsec_{}", STANDARD.encode(secret.expose()))
}

/// The header `webhook-signature`: one signature for each valid secret, with spaces between them.
///
/// # Errors
/// Never: keys of the hash may have any length.
pub fn signature<'a>(
    secrets: impl Iterator<Item = &'a WebhookSecret>,
    message: WebhookMessageId,
    timestamp: i64,
    body: &str,
) -> Result<String, AppError> {
    let signed = |secret: &WebhookSecret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(AppError::internal)?;
        mac.update(format!("{message}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let all: Result<Vec<_>, AppError> = secrets.map(signed).collect();
    Ok(all?.join(" "))
}
