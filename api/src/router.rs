//! The table of routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::observe::{around, around_for};
use crate::problem::Problem;
use crate::state::{ApiState, Shared};
use crate::{codec, docs, health, openapi, problem_pages, root, v1};

/// Every documented route.
pub(crate) fn table() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .routes(routes!(root::root))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::health_v1))
        .routes(routes!(v1::users::batch::batch))
        .routes(routes!(v1::users::create::create))
        .routes(routes!(v1::users::list::list))
        .routes(routes!(v1::users::deleted::deleted))
        .routes(routes!(v1::users::search::search))
        .routes(routes!(v1::users::get::get))
        .routes(routes!(v1::users::update::update))
        .routes(routes!(v1::users::delete::delete))
        .routes(routes!(v1::users::restore::restore))
        .routes(routes!(v1::users::force_delete::force_delete))
        .routes(routes!(v1::users::history::history))
        .routes(routes!(v1::tasks::create::create))
        .routes(routes!(v1::tasks::list::list))
        .routes(routes!(v1::tasks::batch::batch))
        .routes(routes!(v1::tasks::deleted::deleted))
        .routes(routes!(v1::tasks::settings::get_settings, v1::tasks::settings::put_settings))
        .routes(routes!(v1::tasks::get::get))
        .routes(routes!(v1::tasks::update::update))
        .routes(routes!(v1::tasks::delete::delete))
        .routes(routes!(v1::tasks::restore::restore))
        .routes(routes!(v1::tasks::force_delete::force_delete))
        .routes(routes!(v1::tasks::start::start))
        .routes(routes!(v1::tasks::complete::complete))
        .routes(routes!(v1::tasks::cancel::cancel))
        .routes(routes!(v1::tasks::reopen::reopen))
        .routes(routes!(v1::tasks::assign::assign))
        .routes(routes!(v1::tasks::of_user::of_user))
        .routes(routes!(v1::operations::list::list))
        .routes(routes!(v1::operations::begin::begin))
        .routes(routes!(v1::operations::get::get))
        .routes(routes!(v1::operations::events::events))
        .routes(routes!(v1::operations::rows::rows))
        .routes(routes!(v1::operations::file::file))
        .routes(routes!(v1::operations::pause::pause))
        .routes(routes!(v1::operations::resume::resume))
        .routes(routes!(v1::operations::cancel::cancel))
        .routes(routes!(v1::operations::undo::undo))
        .routes(routes!(v1::operations::apply::apply))
        .routes(routes!(v1::operations::retry::retry))
        .routes(routes!(v1::schedules::create::create))
        .routes(routes!(v1::schedules::list::list))
        .routes(routes!(v1::schedules::get::get))
        .routes(routes!(v1::schedules::pause::pause))
        .routes(routes!(v1::schedules::resume::resume))
        .routes(routes!(v1::schedules::trigger::trigger))
        .routes(routes!(v1::schedules::delete::delete))
        .routes(routes!(v1::webhooks::create::create))
        .routes(routes!(v1::webhooks::list::list))
        .routes(routes!(v1::webhooks::get::get))
        .routes(routes!(v1::webhooks::update::update))
        .routes(routes!(v1::webhooks::delete::delete))
        .routes(routes!(v1::webhooks::rotate_secret::rotate_secret))
        .routes(routes!(v1::webhooks::test::test))
        .routes(routes!(v1::webhooks::deliveries::deliveries))
        .routes(routes!(v1::webhooks::replay::replay))
        .routes(routes!(v1::partners::status::status))
        .routes(routes!(v1::partners::webhook::webhook))
        .routes(routes!(v1::partners::sync::sync))
        .routes(routes!(v1::partners::events::events))
}

/// The service: every route, and around them what every answer needs.
///
/// # Errors
/// When the `OpenAPI` document cannot be written, which is a defect of ours.
pub fn router(state: ApiState) -> Result<Router, serde_json::Error> {
    let (routes, _) = table().split_for_parts();
    let routes = routes
        .merge(docs::routes(&state, openapi::document()?))
        .merge(problem_pages::routes(&state))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_method);
    let mut all = around(routes, &state);
    if let Some((codec, cors)) = codec::routes(&state) {
        all = all.merge(around_for(codec.method_not_allowed_fallback(not_this_method), Some(cors), &state));
    }
    Ok(all.with_state(Arc::new(state)))
}

async fn nothing_here() -> Response {
    Problem::of_status(StatusCode::NOT_FOUND).into_response()
}

async fn not_this_method() -> Response {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response()
}
