use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use muster_application::Context;
use muster_domain::UserId;
use muster_domain::users::{PageStart, UserFilter, UserPosition};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::view::UserView;
use crate::cursor::Cursor;
use crate::extract::Params;
use crate::problem::Problem;
use crate::state::ApiState;

const MAX_SKIP: u32 = 10_000;
const MAX_LIMIT: u32 = 100;
const OFFSET_LIMIT: u32 = 20;
const CURSOR_LIMIT: u32 = 50;

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document; they are read one by one instead")]
pub(super) struct PageParams {
    /// Users to pass over; for a page by offset.
    #[param(minimum = 0, maximum = 10_000, default = 0, example = 0)]
    skip: Option<u32>,
    /// Users of a page; 50 by default for a page by cursor.
    #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
    limit: Option<u32>,
    /// Asks for a page by cursor: `next_cursor` of the page before, or empty for the first one.
    #[param(max_length = 1024, allow_reserved, example = "")]
    cursor: Option<String>,
}

/// A page of users: by offset it has a total, by cursor the way to the next one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UserPage)]
pub(super) enum UsersView {
    /// A page by offset.
    ByOffset {
        /// The latest first.
        items: Vec<UserView>,
        /// How many there are in all: exact up to 10 000, above that at most five seconds old.
        #[schema(example = 1)]
        total: u64,
        /// Number of this page, from 1.
        #[schema(example = 1)]
        page: u32,
        /// Users of a page.
        #[schema(example = 20)]
        page_size: u32,
    },
    /// A page by cursor.
    ByCursor {
        /// The latest first.
        items: Vec<UserView>,
        /// Whether there are more.
        #[schema(example = false)]
        has_next: bool,
        /// The `cursor` of the next page.
        #[schema(example = json!(null))]
        next_cursor: Option<String>,
    },
}

/// The page that the parameters ask for, of the users whom the filter means.
pub(super) async fn page(
    state: &ApiState,
    ctx: &Context,
    filter: &UserFilter,
    params: &Params,
) -> Result<Response, Problem> {
    let asked = params.get("cursor")?;
    let skip = params.number("skip", 0, MAX_SKIP, 0)?;
    if asked.is_some() && skip > 0 {
        let detail = "skip and cursor are two ways to page; give one of them";
        return Err(Problem::invalid("/query/skip", "invalid_parameter", detail));
    }
    let limit = params.number("limit", 1, MAX_LIMIT, if asked.is_some() { CURSOR_LIMIT } else { OFFSET_LIMIT })?;
    let start = match asked {
        None => PageStart::Offset(skip),
        Some("") => PageStart::After(None),
        Some(_) => PageStart::After(Cursor::<DateTime<Utc>>::of(params, |_| true)?.map(position)),
    };
    let found = state.app.users(ctx, filter, start, limit).await?;
    let last = found.users.last().map(|user| Cursor { sort_value: user.created_at, value: user.id.get() });
    let items = found.users.into_iter().map(UserView::from).collect();
    let view = match found.total {
        Some(total) => UsersView::ByOffset { items, total, page: skip / limit + 1, page_size: limit },
        None => UsersView::ByCursor {
            items,
            has_next: found.has_next,
            next_cursor: last.filter(|_| found.has_next).and_then(|last| last.encode()),
        },
    };
    Ok(Json(view).into_response())
}

fn position(Cursor { sort_value, value }: Cursor<DateTime<Utc>>) -> UserPosition {
    UserPosition { created_at: sort_value, id: UserId::new(value) }
}
