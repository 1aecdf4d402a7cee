//! What a function says of itself: its description and JSON Schemas, as a manifest has them.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use crate::{json, Json};

/// An input or output: its media type, and its schema where it has one.
pub struct Shape {
    media: &'static str,
    schema: Option<Json>,
}

/// Text.
pub fn text() -> Shape {
    Shape { media: "text/plain", schema: Some(json!({"type": "string"})) }
}

/// Bytes, or nothing.
pub fn bytes() -> Shape {
    Shape { media: "application/octet-stream", schema: None }
}

/// JSON that a function reads.
pub fn read<T: JsonSchema>() -> Shape {
    shape::<T>(settings().for_deserialize().into_generator())
}

/// JSON that a function writes.
pub fn written<T: JsonSchema>() -> Shape {
    shape::<T>(settings().for_serialize().into_generator())
}

/// The manifest of one function.
pub fn function(name: &str, description: &str, input: Shape, output: Shape) -> Json {
    let values = json!({
        "description": description,
        "input": input.schema,
        "input_media": input.media,
        "output": output.schema,
        "output_media": output.media,
    });
    json!({"functions": {name: values}})
}

fn shape<T: JsonSchema>(generator: SchemaGenerator) -> Shape {
    let schema = generator.into_root_schema_for::<T>().to_value();
    // Anything at all is `true`, which a manifest writes as an object.
    Shape { media: "application/json", schema: Some(if schema.is_object() { schema } else { json!({}) }) }
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.meta_schema = None)
        .with_transform(RecursiveTransform(plain))
}

/// Takes away what the host refuses, and the formats that only Rust knows.
fn plain(schema: &mut Schema) {
    let sized = |format: &Json| {
        let format = format.as_str().unwrap_or_default();
        format.starts_with("int") || format.starts_with("uint") || matches!(format, "float" | "double")
    };
    if schema.get("format").is_some_and(sized) {
        schema.remove("format");
    }
    schema.remove("unevaluatedProperties");
    if let Some(Json::Object(patterns)) = schema.remove("patternProperties") {
        if let Some(values) = patterns.into_iter().next().map(|(_, values)| values) {
            schema.insert("additionalProperties".into(), values);
        }
    }
}
