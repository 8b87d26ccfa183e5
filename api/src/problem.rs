//! The one envelope of all errors: RFC 9457, with an `error` member for clients of the reference service.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_application::ErrorCode;
use muster_application::imports::RowProblem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::CodeName;
use crate::problem_pages;

/// A failed request. Becomes JSON in [`Problem::render`], where path and trace id are known.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<ErrorDetail>,
    operation: Option<Uuid>,
    allowed_types: Vec<&'static str>,
    headers: HeaderMap,
}

/// What is known of the request when its answer is rendered.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// Its path.
    pub(crate) instance: &'a str,
    /// Its name in the log.
    pub(crate) trace_id: &'a str,
    /// Whether `type` leads to a page.
    pub(crate) pages: bool,
}

/// One thing that is wrong with the request. Never contains the offending value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// JSON pointer into the body, or `/query/…`, `/path/…`, `/header/…`.
    #[schema(example = "/users/0/email")]
    pub(crate) pointer: String,
    /// What is wrong and what would be right.
    pub(crate) detail: Cow<'static, str>,
    /// Stable code.
    #[schema(example = "invalid_email")]
    pub(crate) code: Cow<'static, str>,
    /// Number of the row, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u32>,
    /// Line of the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
}

/// What an error looks like on the wire (`application/problem+json`).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// A page about `code`, relative to the URL of the request; `about:blank` where pages are switched off.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri-reference", example = "/problems/VALIDATION_ERROR")]
    kind: &'a str,
    /// The name of the status.
    #[schema(value_type = String, example = "Unprocessable Entity")]
    title: &'a str,
    /// The status again.
    #[schema(example = 422)]
    status: u16,
    /// One sentence for people.
    #[schema(value_type = String)]
    detail: &'a str,
    /// The path of the request.
    #[schema(value_type = String, example = "/api/v1/users/batch")]
    instance: &'a str,
    /// Stable code.
    #[schema(value_type = CodeName)]
    code: &'a str,
    /// Everything that is wrong, where that can be said.
    #[schema(value_type = Vec<ErrorDetail>)]
    errors: &'a [ErrorDetail],
    /// As in `X-Trace-ID`.
    #[schema(value_type = String)]
    trace_id: &'a str,
    /// The operation that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<Uuid>,
    /// What `entity_type` of a synchronisation may be.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<String>)]
    allowed_types: &'a [&'static str],
    /// The same for clients of the reference service.
    error: ReferenceError<'a>,
}

/// The error as the reference service gave it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReferenceError<'a> {
    /// As `code` above.
    #[schema(value_type = CodeName)]
    code: &'a str,
    /// As `detail` above.
    #[schema(value_type = String)]
    message: &'a str,
    /// As `errors` above.
    #[schema(value_type = Vec<ErrorDetail>)]
    details: &'a [ErrorDetail],
}

impl ErrorDetail {
    pub(crate) fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), code: code.into(), row: None, line: None }
    }
}

/// Where in an object the problem is: JSON pointer to the field, or to the object as a whole.
pub(crate) fn pointer(problem: &RowProblem) -> String {
    problem.field.as_ref().map(|field| format!("/{field}")).unwrap_or_default()
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let (errors, allowed_types, headers) = (Vec::new(), Vec::new(), HeaderMap::new());
        let detail = detail.into();
        Self(Box::new(Parts { status, code, detail, errors, operation: None, allowed_types, headers }))
    }

    /// A 422 about one thing: a parameter, a header, or a place in the body.
    pub(crate) fn invalid(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        let errors = vec![ErrorDetail::new(pointer, code, detail.clone())];
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ValidationError, detail).errors(errors)
    }

    /// A 422 about several places in the body.
    pub(crate) fn wrong(errors: Vec<ErrorDetail>) -> Self {
        let detail = match errors.as_slice() {
            [error] => error.detail.clone(),
            _ => Cow::Borrowed("several members are wrong; see errors"),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ValidationError, detail).errors(errors)
    }

    /// What a bare status means, for answers that were made by the framework.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => (ErrorCode::EntityNotFound, "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => {
                (ErrorCode::MethodNotAllowed, "this path does not answer to this method; see the Allow header")
            }
            StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::PayloadTooLarge, "the request is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (ErrorCode::UnsupportedMediaType, "this kind of body is not accepted here")
            }
            StatusCode::TOO_MANY_REQUESTS => (ErrorCode::RateLimited, "too many requests; try again later"),
            StatusCode::SERVICE_UNAVAILABLE => (ErrorCode::ServiceUnavailable, "try again later"),
            StatusCode::URI_TOO_LONG => (ErrorCode::ValidationError, "path and query may have at most 32 KiB"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                (ErrorCode::ValidationError, "the headers may have at most 64 KiB")
            }
            status if status.is_server_error() => (ErrorCode::InternalServerError, "an unexpected error occurred"),
            _ => (ErrorCode::ValidationError, "the request is not valid"),
        };
        Self::new(status, code, detail)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(crate) fn errors(mut self, errors: Vec<ErrorDetail>) -> Self {
        self.0.errors = errors;
        self
    }

    pub(crate) fn operation(mut self, id: Uuid) -> Self {
        self.0.operation = Some(id);
        self
    }

    pub(crate) fn allowed_types(mut self, names: &[&'static str]) -> Self {
        self.0.allowed_types = names.to_vec();
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// As in the document.
    pub(crate) fn example(&self) -> Value {
        let about = About { instance: "/api/v1/users", trace_id: "0af7651916cd43dd8448eb211c80319c", pages: true };
        serde_json::to_value(self.body(about, &self.page(about))).unwrap_or_default()
    }

    fn page(&self, about: About<'_>) -> Cow<'static, str> {
        if about.pages { problem_pages::uri(self.0.code).into() } else { "about:blank".into() }
    }

    fn body<'a>(&'a self, about: About<'a>, kind: &'a str) -> ProblemBody<'a> {
        let Parts { status, code, detail, errors, operation, allowed_types, .. } = &*self.0;
        let code = code.name();
        ProblemBody {
            kind,
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            instance: about.instance,
            code,
            errors,
            trace_id: about.trace_id,
            operation_id: *operation,
            allowed_types,
            error: ReferenceError { code, message: detail, details: errors },
        }
    }

    /// Gives a response the body that belongs to it.
    pub(crate) fn render(&self, response: Response, about: About<'_>) -> Response {
        let page = self.page(about);
        let body = self.body(about, &page);
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // Strings and numbers always serialise; should they not, the status still says it.
        Response::from_parts(parts, Body::from(serde_json::to_vec(&body).unwrap_or_default()))
    }
}

/// Marks a response whose body is still to be rendered.
#[derive(Clone)]
pub(crate) struct Unrendered(pub(crate) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, self.0.headers.clone()).into_response();
        response.extensions_mut().insert(Unrendered(Arc::new(self)));
        response
    }
}
