use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use muster_application::partners::{AuthenticPartner, PartnerRequest, SignedParts};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use super::ClientAddress;
use crate::body::{BodyReader, Encoding};
use crate::limits::Kind;
use crate::media::only_plain;
use crate::observe::RequestInfo;
use crate::openapi::asked;
use crate::problem::{ErrorDetail, Problem};
use crate::state::{ApiState, Shared};

const CLIENT_ID: &str = "X-API-Client-ID";
const TIMESTAMP: &str = "X-API-Timestamp";
const SIGNATURE: &str = "X-API-Signature";
/// How a 401 says by what means one is let in.
const SCHEME: HeaderValue = HeaderValue::from_static("Muster-HMAC-SHA256");

/// A request that a partner has signed, with its body, of at most so many bytes. The signature is right, but not accepted
/// yet: the use case does that, once.
#[derive(Debug)]
pub(crate) struct Signed<const LIMIT: u64> {
    /// Who signed it.
    pub(crate) partner: AuthenticPartner,
    /// As it was sent.
    pub(crate) body: Vec<u8>,
    pub(crate) headers: HeaderMap,
}

/// What every signed request has, for the document.
pub(crate) struct SignedHeaders;

impl<const LIMIT: u64> FromRequest<Shared> for Signed<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let verified = verify(&parts, body, state, LIMIT).await;
        count(&parts, verified.as_ref().ok().map(|(partner, _)| partner), state).await?;
        let (partner, body) = verified?;
        Ok(Self { partner, body, headers: parts.headers })
    }
}

async fn verify(
    parts: &Parts,
    body: axum::body::Body,
    state: &ApiState,
    limit: u64,
) -> Result<(AuthenticPartner, Vec<u8>), Problem> {
    let [client_id, timestamp, signature] = headers(&parts.headers)?;
    let ClientAddress(address) = ClientAddress::of(parts, &state.trusted_proxies);
    let request = PartnerRequest { client_id, timestamp, address };
    let recognised = state.app.recognise_partner(request).await.map_err(refused)?;
    // What is signed are the bytes on the wire, and what is done is what was signed: nothing is unpacked in between.
    only_plain(Encoding::of(&parts.headers)?)?;
    let body = BodyReader::new(body, Encoding::Identity, limit, state.limits.idle).whole().await?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let signed = SignedParts { timestamp, method: parts.method.as_str(), path, body: &body };
    let partner = state.app.authenticate_partner(recognised, signature, &signed).map_err(refused)?;
    Ok((partner, body))
}

/// As with tokens: who has signed pays as a tenant, and who has not as an address, so that nobody can use up another's
/// budget or try signatures without end.
async fn count(parts: &Parts, partner: Option<&AuthenticPartner>, state: &ApiState) -> Result<(), Problem> {
    let info = parts.extensions.get::<RequestInfo>();
    let tenant = partner.map(|partner| partner.ctx.tenant);
    if let (Some(info), Some(tenant)) = (info, tenant) {
        info.set_tenant(tenant);
    }
    let Some(limits) = &state.rate_limits else { return Ok(()) };
    let kind = if tenant.is_some() { Kind::Partner } else { Kind::Anonymous };
    let ClientAddress(address) = ClientAddress::of(parts, &state.trusted_proxies);
    let counted = limits.count(kind, tenant, address).await;
    let refused_for = counted.refused_for();
    if let Some(info) = info {
        info.set_counted(counted);
    }
    refused_for.map_or(Ok(()), |seconds| Err(Problem::rate_limited(seconds)))
}

/// All three, each given once; everything that is wrong with them is said together.
fn headers(headers: &HeaderMap) -> Result<[&str; 3], Problem> {
    let mut errors = Vec::new();
    let found = [CLIENT_ID, TIMESTAMP, SIGNATURE].map(|name| {
        let mut values = headers.get_all(name).iter();
        let wrong = match (values.next().map(HeaderValue::to_str), values.next()) {
            (Some(Ok(value)), None) => return value,
            (None, _) => ("missing", format!("{name} is required")),
            (Some(_), Some(_)) => ("invalid_header", format!("{name} must be given once")),
            (Some(Err(_)), None) => ("invalid_header", format!("{name} must be visible ASCII characters")),
        };
        errors.push(ErrorDetail::new(format!("/header/{name}"), wrong.0, wrong.1));
        ""
    });
    if errors.is_empty() { Ok(found) } else { Err(Problem::wrong(errors)) }
}

/// A refusal of who asks, for use cases too.
pub(crate) fn refused(error: muster_application::AppError) -> Problem {
    let problem = Problem::from(error);
    if problem.status() == StatusCode::UNAUTHORIZED { problem.header(WWW_AUTHENTICATE, SCHEME) } else { problem }
}

impl IntoParams for SignedHeaders {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new;
        let all = [
            asked(CLIENT_ID, "Who asks", "mpc_3f1d6c1e9b2a4c5d8e7f60718293a4b5", text()),
            asked(TIMESTAMP, "Now, in seconds since 1970; at most 300 from our clock", "1764082446", text()),
            asked(
                SIGNATURE,
                "HMAC-SHA256 in 64 lower-case hexadecimal digits, by the secret, of timestamp, method, path with query, and \
                 SHA-256 of the body, with colons between them (docs/partners.md); accepted once",
                "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592",
                text(),
            ),
        ];
        all.into_iter()
            .flatten()
            .map(|header| ParameterBuilder::from(header).required(Required::True).build())
            .collect()
    }
}
