//! Examples of whole bodies, put together from those of their fields: nothing is written twice, and what a new field lacks
//! is found by a test.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Content, OpenApi, RefOr};

/// The schemas of the document, to look references up in.
pub(super) struct Examples(Value);

impl Examples {
    pub(super) fn of(document: &OpenApi) -> Self {
        Self(serde_json::to_value(&document.components).unwrap_or_default())
    }

    /// Gives a body an example if it has none.
    pub(super) fn fill(&self, content: &mut RefOr<Content>) {
        if let RefOr::T(content) = content
            && content.example.is_none()
        {
            content.example = content.schema.as_ref().and_then(|schema| self.of_schema(schema));
        }
    }

    pub(super) fn of_schema(&self, schema: &RefOr<Schema>) -> Option<Value> {
        self.value(&serde_json::to_value(schema).ok()?)
    }

    /// None if some field has no example.
    fn value(&self, schema: &Value) -> Option<Value> {
        let given = schema.get("example").or_else(|| schema.get("examples")?.get(0));
        if let Some(example) = given.or_else(|| schema.get("default")) {
            return Some(example.clone());
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.value(self.0.pointer(name.strip_prefix("#/components")?)?);
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            // An object that may be missing is.
            let null = choices.iter().find(|choice| kind(choice) == Some("null"));
            return null.map_or_else(|| self.value(choices.first()?), |_| Some(Value::Null));
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let fields: Option<Vec<_>> = parts.iter().map(|part| self.value(part)?.as_object().cloned()).collect();
            return Some(Value::Object(fields?.into_iter().flatten().collect()));
        }
        match kind(schema)? {
            "object" => {
                let fields = schema.get("properties")?.as_object()?.iter();
                let fields = fields.map(|(name, field)| Some((name.clone(), self.value(field)?)));
                fields.collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            "array" => Some(json!([self.value(schema.get("items")?)?])),
            "boolean" => Some(json!(true)),
            "string" => match schema.get("format")?.as_str()? {
                "uuid" => Some(json!("01981c5e-7a00-7000-8000-000000000001")),
                "date-time" => Some(json!("2026-01-31T12:00:00.000000Z")),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The type of a schema, or the first of several.
fn kind(schema: &Value) -> Option<&str> {
    let kind = schema.get("type")?;
    kind.as_str().or_else(|| kind.get(0)?.as_str())
}
