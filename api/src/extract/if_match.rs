use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use muster_application::users::Versions;
use muster_domain::operations::PlanDigest;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use crate::openapi::asked;

/// The versions to which a write may be applied (`If-Match`, RFC 9110).
pub(crate) struct IfMatch(pub(crate) Versions);

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Only if it still has one of these `ETag`s";
        asked("If-Match", description, "\"v1\"", ObjectBuilder::new())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(match tags(&parts.headers, &header::IF_MATCH) {
            // Any: that there is a user at all is asked for anyway.
            None | Some(Tags::Any) => None,
            // What is no tag of ours matches nothing; neither does a weak one here.
            Some(Tags::Some(tags)) => Some(tags.iter().filter_map(|tag| version(tag)).collect()),
        }))
    }
}

/// The plan that is to be applied (`If-Match`); none when it is not said, or is no digest.
pub(crate) struct PlanMatch(pub(crate) Option<PlanDigest>);

impl IntoParams for PlanMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "`plan.digest` of the dry run, in quotes; required";
        let example = "\"6b5f2a1e8d7c4b3a9f8e7d6c5b4a39281706f5e4d3c2b1a0918273645546372f\"";
        let digest = ObjectBuilder::new().pattern(Some("^\"[0-9a-f]{64}\"$"));
        let mut parameters = asked("If-Match", description, example, digest);
        for parameter in &mut parameters {
            parameter.required = Required::True;
        }
        parameters
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PlanMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(match tags(&parts.headers, &header::IF_MATCH) {
            Some(Tags::Some(tags)) if tags.len() == 1 => tags.first().and_then(|tag| digest(tag)),
            _ => None,
        }))
    }
}

fn digest(tag: &str) -> Option<PlanDigest> {
    let text = tag.strip_prefix('"').map_or(Some(tag), |tag| tag.strip_suffix('"'))?;
    blake3::Hash::from_hex(text).ok().map(Into::into)
}

/// Whether what the client has (`If-None-Match`) is what would be sent; weak tags count as well here.
pub(crate) fn has_current(headers: &HeaderMap, etag: &str) -> bool {
    match tags(headers, &header::IF_NONE_MATCH) {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::Some(tags)) => tags.iter().any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag),
    }
}

enum Tags<'a> {
    Any,
    Some(Vec<&'a str>),
}

/// Our tags have no commas in them, so a list can be cut at each.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Tags<'a>> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() {
        return headers.contains_key(name).then(|| Tags::Some(Vec::new()));
    }
    let tags: Vec<_> = values.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    if tags == ["*"] { Some(Tags::Any) } else { Some(Tags::Some(tags)) }
}

fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    async fn if_match(values: &[&str]) -> Versions {
        let mut request = axum::http::Request::new(());
        *request.headers_mut() = headers(&header::IF_MATCH, values);
        let (mut parts, ()) = request.into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.unwrap().0
    }

    #[tokio::test]
    async fn a_list_of_strong_tags_is_read_and_everything_else_matches_nothing() {
        assert_eq!(if_match(&[]).await, None);
        assert_eq!(if_match(&["*"]).await, None);
        assert_eq!(if_match(&["\"v3\""]).await, Some(vec![3]));
        assert_eq!(if_match(&["\"v3\", \"x\"", "\"v5\""]).await, Some(vec![3, 5]));
        assert_eq!(if_match(&["W/\"v3\""]).await, Some(vec![]));
        assert_eq!(if_match(&["v3"]).await, Some(vec![]));
        assert_eq!(if_match(&[""]).await, Some(vec![]));
    }

    #[test]
    fn what_the_client_has_may_be_weak() {
        let has = |values: &[&str]| has_current(&headers(&header::IF_NONE_MATCH, values), "\"v3\"");
        assert!(has(&["\"v3\""]) && has(&["W/\"v3\""]) && has(&["\"v1\", \"v3\""]) && has(&["*"]));
        assert!(!has(&[]) && !has(&["\"v2\""]) && !has(&["v3"]));
    }
}
