//! A page for each error code, at the address that `type` of a problem has: the files of `docs/errors`, in this binary.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use muster_application::ErrorCode;
use pulldown_cmark::{Parser, html};

use crate::docs::PAGE_POLICY;
use crate::problem::Problem;
use crate::state::{ApiState, Shared};

/// The `type` of a problem: a reference that is resolved against the URL of the request (RFC 9457, section 3.1.1), so it
/// is right behind any host name.
pub(crate) fn uri(code: ErrorCode) -> String {
    format!("/problems/{code}")
}

/// The pages, unless the documentation is switched off.
pub(crate) fn routes(state: &ApiState) -> Router<Shared> {
    if state.has_pages() { Router::new().route("/problems/{code}", get(page)) } else { Router::new() }
}

async fn page(Path(name): Path<String>) -> Response {
    match ErrorCode::from_name(&name) {
        Some(code) => ([(CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(rendered(code))).into_response(),
        None => Problem::of_status(StatusCode::NOT_FOUND).into_response(),
    }
}

fn rendered(code: ErrorCode) -> String {
    let mut page = format!("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{code}</title>\n");
    html::push_html(&mut page, Parser::new(text(code)));
    page
}

/// A code without a page does not compile.
const fn text(code: ErrorCode) -> &'static str {
    macro_rules! page {
        ($name:literal) => {
            include_str!(concat!("../../docs/errors/", $name, ".md"))
        };
    }
    match code {
        ErrorCode::TenantTokenMissing => page!("TENANT_TOKEN_MISSING"),
        ErrorCode::TenantTokenExpired => page!("TENANT_TOKEN_EXPIRED"),
        ErrorCode::TenantTokenInvalidSignature => page!("TENANT_TOKEN_INVALID_SIGNATURE"),
        ErrorCode::TenantTokenMalformed => page!("TENANT_TOKEN_MALFORMED"),
        ErrorCode::TenantTokenInvalidClaims => page!("TENANT_TOKEN_INVALID_CLAIMS"),
        ErrorCode::TenantTokenValidationFailed => page!("TENANT_TOKEN_VALIDATION_FAILED"),
        ErrorCode::PartnerClientUnknown => page!("PARTNER_CLIENT_UNKNOWN"),
        ErrorCode::PartnerClientInactive => page!("PARTNER_CLIENT_INACTIVE"),
        ErrorCode::PartnerAddressNotAllowed => page!("PARTNER_ADDRESS_NOT_ALLOWED"),
        ErrorCode::PartnerTimestampInvalid => page!("PARTNER_TIMESTAMP_INVALID"),
        ErrorCode::PartnerTimestampOutOfWindow => page!("PARTNER_TIMESTAMP_OUT_OF_WINDOW"),
        ErrorCode::PartnerSignatureInvalid => page!("PARTNER_SIGNATURE_INVALID"),
        ErrorCode::PartnerSignatureReused => page!("PARTNER_SIGNATURE_REUSED"),
        ErrorCode::CodecTokenInvalid => page!("CODEC_TOKEN_INVALID"),
        ErrorCode::EntityNotFound => page!("ENTITY_NOT_FOUND"),
        ErrorCode::MethodNotAllowed => page!("METHOD_NOT_ALLOWED"),
        ErrorCode::RequestTimeout => page!("REQUEST_TIMEOUT"),
        ErrorCode::BodyIncomplete => page!("BODY_INCOMPLETE"),
        ErrorCode::Conflict => page!("CONFLICT"),
        ErrorCode::BusinessRuleViolation => page!("BUSINESS_RULE_VIOLATION"),
        ErrorCode::IdempotencyKeyInUse => page!("IDEMPOTENCY_KEY_IN_USE"),
        ErrorCode::UploadAbandoned => page!("UPLOAD_ABANDONED"),
        ErrorCode::PreconditionFailed => page!("PRECONDITION_FAILED"),
        ErrorCode::OutcomeDiffers => page!("OUTCOME_DIFFERS"),
        ErrorCode::FileExpired => page!("FILE_EXPIRED"),
        ErrorCode::RangeNotSatisfiable => page!("RANGE_NOT_SATISFIABLE"),
        ErrorCode::PayloadTooLarge => page!("PAYLOAD_TOO_LARGE"),
        ErrorCode::UnsupportedMediaType => page!("UNSUPPORTED_MEDIA_TYPE"),
        ErrorCode::ValidationError => page!("VALIDATION_ERROR"),
        ErrorCode::IdempotencyKeyReused => page!("IDEMPOTENCY_KEY_REUSED"),
        ErrorCode::RateLimited => page!("RATE_LIMITED"),
        ErrorCode::TenantLimit => page!("TENANT_LIMIT"),
        ErrorCode::InternalServerError => page!("INTERNAL_SERVER_ERROR"),
        ErrorCode::ServiceUnavailable => page!("SERVICE_UNAVAILABLE"),
        ErrorCode::Cancelled => page!("CANCELLED"),
        ErrorCode::MailUnreachable => page!("MAIL_UNREACHABLE"),
        ErrorCode::MailDeferred => page!("MAIL_DEFERRED"),
    }
}
