//! The `OpenAPI` 3.1 document, from the code of the handlers.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

mod complete;
mod example;
mod names;

use self::complete::Complete;
pub(crate) use self::complete::{asked, header};
pub(crate) use self::names::*;
use crate::problem::ProblemBody;
use crate::router::table;

/// What is not said at a handler.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Assembles users by the million: each request is durable from the moment it is accepted.",
        license(name = "Apache-2.0 OR MIT"),
    ),
    components(schemas(ProblemBody)),
    modifiers(&Tokens),
    tags(
        (name = "Users", description = "Users of a tenant"),
        (name = "Tasks", description = "What is to be done, by whom and by when"),
        (name = "Operations", description = "Long-running work and what came of each row"),
        (name = "Schedules", description = "Operations that begin by themselves"),
        (name = "Webhooks", description = "Where a tenant is told of what happens"),
        (name = "Service", description = "Whether the service is there"),
    )
)]
pub(crate) struct Frame;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let header = ApiKey::Header(ApiKeyValue::with_description("X-Tenant-Token", "A tenant token"));
        components.add_security_scheme("tenant_token", SecurityScheme::ApiKey(header));
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The document as it is served.
///
/// # Errors
/// When it cannot be written as JSON, which is a defect of ours.
pub fn document() -> Result<String, serde_json::Error> {
    let mut document = table().into_openapi();
    // Not one of the modifiers above: these come before the routes.
    Complete.modify(&mut document);
    let mut document = serde_json::to_string_pretty(&document)?;
    document.push('\n');
    Ok(document)
}
