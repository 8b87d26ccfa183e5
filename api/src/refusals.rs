//! What routes have in common to refuse, for the `OpenAPI` document: each says which of these apply to it.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::Response;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

type Responses = BTreeMap<String, RefOr<Response>>;

fn refusals(of: &[(u16, &str)]) -> Responses {
    let problem = |description: &str| {
        let content = Content::new(Some(RefOr::Ref::<utoipa::openapi::Schema>(Ref::from_schema_name("Problem"))));
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    of.iter().map(|(status, description)| (status.to_string(), RefOr::T(problem(description)))).collect()
}

/// Of every route that acts for a tenant.
pub(crate) struct OfTenant;

impl IntoResponses for OfTenant {
    fn responses() -> Responses {
        refusals(&[
            (401, "No valid tenant token"),
            (422, "Something in the request breaks a rule; `errors` says what"),
            (429, "Too many requests in a minute; `Retry-After` says when to ask again"),
            (503, "The database is down"),
        ])
    }
}

/// Of every route about one user, and what every route of a tenant refuses.
pub(crate) struct OfUser;

impl IntoResponses for OfUser {
    fn responses() -> Responses {
        let mut all = OfTenant::responses();
        all.extend(refusals(&[(404, "No such user of this tenant")]));
        all
    }
}

/// Of every route about one operation, and what every route of a tenant refuses.
pub(crate) struct OfOperation;

impl IntoResponses for OfOperation {
    fn responses() -> Responses {
        let mut all = OfTenant::responses();
        all.extend(refusals(&[(404, "No such operation of this tenant")]));
        all
    }
}

/// Of the route that follows an operation, and what every route about one operation refuses.
pub(crate) struct OfWatch;

impl IntoResponses for OfWatch {
    fn responses() -> Responses {
        let mut all = OfOperation::responses();
        let busy = "The database is down, or as many watch as one process takes; ask for the operation instead";
        all.extend(refusals(&[(503, busy)]));
        all
    }
}

/// Of every route that stops an operation or lets it go on, and what every route about one operation refuses.
pub(crate) struct OfControl;

impl IntoResponses for OfControl {
    fn responses() -> Responses {
        let mut all = OfOperation::responses();
        let elsewhere = "The operation does not move there from where it is; `detail` names both states";
        all.extend(refusals(&[(409, elsewhere)]));
        all
    }
}

/// Of every route that reads a JSON body.
pub(crate) struct OfJson;

impl IntoResponses for OfJson {
    fn responses() -> Responses {
        refusals(&[
            (400, "The connection broke in the middle of the body"),
            (408, "The body stopped coming"),
            (413, "More than 64 KiB"),
            (415, "Another kind of body"),
        ])
    }
}
