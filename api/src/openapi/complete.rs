//! What every operation of the document has in common, so that no handler repeats it: headers and examples.

use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Header, HeaderBuilder, OpenApi, RefOr, Required, Response};

use super::example::Examples;

/// Headers that answers may have: description, example, and whether it is a number.
const HEADERS: [(&str, &str, &str); 11] = [
    ("Accept-Ranges", "`bytes`: parts can be asked for", "bytes"),
    ("Content-Disposition", "Under which name it is to be kept", "attachment; filename=\"users.ndjson\""),
    ("Content-Range", "Which bytes these are, and of how many", "bytes 0-1048575/2480000"),
    ("ETag", "Version of the thing, for `If-Match` and `If-None-Match`", "\"v1\""),
    ("Idempotent-Replayed", "`true`: an earlier request with this key did it", "true"),
    ("Location", "Path of what was made", "/api/v1/users/01981c5e-7a00-7000-8000-000000000001"),
    ("Preference-Applied", "What of `Prefer` was done", "return=minimal"),
    ("Retry-After", "Seconds after which it is worth to ask again", "5"),
    ("WWW-Authenticate", "The scheme of `Authorization`", "Bearer"),
    ("Accept-Post", "What kinds of body are read here", "application/json"),
    (
        TRACE,
        "Names the request in the log: the trace id of `traceparent`, or a fresh one",
        "0af7651916cd43dd8448eb211c80319c",
    ),
];
const TRACE: &str = "X-Trace-ID";

/// A header of the list above.
pub(crate) fn header(name: &str) -> Header {
    let known = HEADERS.iter().find(|(known, ..)| *known == name);
    let (_, description, example) = known.copied().unwrap_or_default();
    let text = match name {
        "Retry-After" => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)),
        TRACE => ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{32}$")),
        _ => ObjectBuilder::new().schema_type(Type::String),
    };
    let example = example.parse::<u64>().map_or_else(|_| json!(example), |number| json!(number));
    HeaderBuilder::new().schema(Some(text)).description(Some(description)).example(Some(example)).build()
}

/// A header that a request may have.
pub(crate) fn asked(name: &str, description: &str, example: &str, text: ObjectBuilder) -> Vec<Parameter> {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    let text = text.schema_type(Type::String);
    vec![parameter.description(Some(description)).schema(Some(text)).example(Some(json!(example))).build()]
}

/// Completes the document.
pub(super) struct Complete;

impl Modify for Complete {
    fn modify(&self, document: &mut OpenApi) {
        let examples = Examples::of(document);
        for path in document.paths.paths.values_mut() {
            let all = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
            for operation in all.into_iter().flatten() {
                complete(operation, &examples);
            }
        }
    }
}

fn complete(operation: &mut Operation, examples: &Examples) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            *parameter = exemplified(parameter.clone(), examples);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(|content| examples.fill(content));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            respond(response, examples);
        }
    }
}

fn respond(response: &mut Response, examples: &Examples) {
    response.headers.insert(TRACE.to_owned(), RefOr::T(header(TRACE)));
    for (name, given) in &mut response.headers {
        // What a handler says of it is about the thing, and says more.
        let mut known = header(name);
        if let RefOr::T(given) = given {
            known.description = given.description.take().filter(|text| !text.is_empty()).or(known.description);
        }
        *given = RefOr::T(known);
    }
    response.content.values_mut().for_each(|content| examples.fill(content));
}

/// A parameter that may be absent is not null; and it has an example.
fn exemplified(mut parameter: Parameter, examples: &Examples) -> Parameter {
    if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
    let has_one = serde_json::to_value(&parameter).is_ok_and(|value| value.get("example").is_some());
    let example: Option<Value> = parameter.schema.as_ref().and_then(|schema| examples.of_schema(schema));
    if has_one { parameter } else { ParameterBuilder::from(parameter).example(example).build() }
}
