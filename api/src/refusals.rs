//! What routes have in common to refuse, for the `OpenAPI` document: each says which of these apply to it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use muster_application::ErrorCode as Code;
use utoipa::IntoResponses;
use utoipa::openapi::response::Response;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, ResponseBuilder};

use crate::openapi::header;
use crate::problem::{ErrorDetail, Problem};

type Responses = BTreeMap<String, RefOr<Response>>;

/// Status, code, when it is, and what the answer says.
type Refusal = (StatusCode, Code, &'static str, &'static str);

fn refusal(&(status, code, when, detail): &Refusal) -> (String, RefOr<Response>) {
    let wrong = |pointer, code, detail| vec![ErrorDetail::new(pointer, code, detail)];
    let errors = match code {
        Code::ValidationError => wrong("/query/limit", "invalid_parameter", detail),
        Code::Conflict => wrong("/email", "duplicate", "belongs to an existing user"),
        _ => Vec::new(),
    };
    let example = Problem::new(status, code, detail).errors(errors).example();
    let problem: Content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).example(Some(example)).build();
    let headers: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &["Accept-Post"],
        StatusCode::RANGE_NOT_SATISFIABLE => &["Content-Range"],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    };
    let mut response = ResponseBuilder::new().description(when).content("application/problem+json", problem);
    for name in headers {
        response = response.header(*name, header(name));
    }
    (status.as_u16().to_string(), RefOr::T(response.build()))
}

/// Types that stand for refusals in the attributes of handlers; each may include those of others.
macro_rules! refusals {
    ($($(#[$doc:meta])+ $type:ident: [$($other:ident),*] $($refusal:expr),+;)+) => {$(
        $(#[$doc])+
        pub(crate) struct $type;

        impl IntoResponses for $type {
            fn responses() -> Responses {
                let mut all = Responses::new();
                $(all.extend($other::responses());)*
                let own: &[Refusal] = &[$($refusal),+];
                all.extend(own.iter().map(refusal));
                all
            }
        }
    )+};
}

refusals! {
    /// Of every route that acts for a tenant.
    OfTenant: []
        (StatusCode::UNAUTHORIZED, Code::TenantTokenExpired, "No valid tenant token", "the tenant token has expired; get a new one"),
        (StatusCode::UNPROCESSABLE_ENTITY, Code::ValidationError, "Something in the request breaks a rule; `errors` says what", "limit must be a number from 1 to 100"),
        (StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, "Too many requests", "too many requests; try again later"),
        (StatusCode::INTERNAL_SERVER_ERROR, Code::InternalServerError, "A defect of the service", "an unexpected error occurred"),
        (StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, "The database is down", "the database is not available; try again later");
    /// Of every route about one user.
    OfUser: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such user of this tenant", "there is no such user");
    /// Of every route about one task.
    OfTask: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such task of this tenant", "there is no such task");
    /// Of every route that moves a task to another status.
    OfMove: [OfTask]
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The status does not allow it; `detail` names both", "a task that is done cannot become in_progress");
    /// Of every route about one task with `If-Match`.
    TaskChanged: []
        (StatusCode::PRECONDITION_FAILED, Code::PreconditionFailed, "The task was changed since", "the task was changed since; read it again");
    /// Of every route about one operation.
    OfOperation: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such operation of this tenant", "there is no such operation");
    /// Of every route about one webhook endpoint.
    OfWebhook: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such endpoint of this tenant", "there is no such webhook endpoint");
    /// Of the route that makes a webhook endpoint.
    TooMany: []
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The tenant has as many endpoints as it may", "a tenant has at most 20 webhook endpoints; delete one first");
    /// Of every route about one schedule.
    OfSchedule: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such schedule of this tenant", "there is no such schedule");
    /// Of the route that makes a schedule.
    TooManySchedules: []
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The tenant has as many schedules as it may", "a tenant has at most 50 schedules; delete one first");
    /// Of every route that sends something to an endpoint.
    OfSending: [OfWebhook]
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The endpoint is disabled", "the webhook endpoint is disabled; enable it first");
    /// Of the route that sends a delivery again.
    OfReplay: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such endpoint of this tenant, or no such delivery to it", "there is no such delivery"),
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The endpoint is disabled, or the delivery is still being tried", "the delivery is still being tried");
    /// Of the route that follows an operation.
    OfWatch: [OfOperation]
        (StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, "The database is down, or as many watch as one process takes; ask for the operation instead", "as many clients follow operations here as may; try again later");
    /// Of every route that stops an operation or lets it go on.
    OfControl: [OfOperation]
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The operation does not move there from where it is; `detail` names both states", "an operation that is succeeded cannot become paused");
    /// Of the route that applies a plan.
    OfApply: [OfControl]
        (StatusCode::PRECONDITION_FAILED, Code::OutcomeDiffers, "`If-Match` is not the digest of the plan, or the plan would come to something else now; nothing was done", "its outcome would differ from the plan now; nothing was done; plan again");
    /// Of the route that gives the file of an export.
    OfFile: [OfTenant]
        (StatusCode::NOT_FOUND, Code::EntityNotFound, "No such operation of this tenant, or it writes no file", "there is no such operation"),
        (StatusCode::CONFLICT, Code::BusinessRuleViolation, "The export has not ended, or ended without a file; `detail` says which", "an export that is running has no file: wait for its end"),
        (StatusCode::GONE, Code::FileExpired, "The file has expired", "the file has expired and was removed; export again"),
        (StatusCode::RANGE_NOT_SATISFIABLE, Code::RangeNotSatisfiable, "The file ends before the range begins", "the file has 1048576 bytes; ask for some of these");
    /// Of every route that reads a body.
    OfBody: []
        (StatusCode::BAD_REQUEST, Code::BodyIncomplete, "The connection broke in the middle of the body", "the body ended too early"),
        (StatusCode::REQUEST_TIMEOUT, Code::RequestTimeout, "The body stopped coming", "the body stopped coming; send it again"),
        (StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, "More rows or bytes than are read here", "the body may have at most 65536 bytes after decompression; send several requests"),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType, "Another kind of body", "Content-Type must be application/json");
    /// Of every route that writes an e-mail address or a user name.
    Taken: []
        (StatusCode::CONFLICT, Code::Conflict, "A living user has the e-mail address or name, which `errors` says; or the `Idempotency-Key` is in use", "email is already taken");
    /// Of every route with `Idempotency-Key` that has no other conflicts.
    KeyInUse: []
        (StatusCode::CONFLICT, Code::IdempotencyKeyInUse, "The first request with this `Idempotency-Key` still comes in", "the first request with this key is still being received; repeat it when that has ended");
    /// Of every route with `If-Match`.
    Changed: []
        (StatusCode::PRECONDITION_FAILED, Code::PreconditionFailed, "The user was changed since", "the user was changed since; read them again");
}
