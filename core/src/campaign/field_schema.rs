//! What the schema says of fields whose type does not say it.
//!
//! It tells a mistake while somebody writes; what LINE takes is checked when the campaign is read.

use schemars::{Schema, SchemaGenerator, json_schema};

pub(super) fn recipients(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "oneOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "minItems": 1, "items": { "type": "object" } },
        ],
    })
}

pub(super) fn messages(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "oneOf": [
            {
                "type": "array",
                "minItems": 1,
                "maxItems": 5,
                "items": {
                    "type": "object",
                    "required": ["type"],
                    "properties": { "type": { "type": "string" } },
                },
            },
            {
                "type": "object",
                "required": ["message"],
                "properties": { "message": { "type": "string" } },
            },
        ],
    })
}

pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"] })
}

pub(super) fn number_or_share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["integer", "string", "null"], "minimum": 0, "pattern": SHARE })
}

pub(super) fn canary(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "required": ["share"],
        "additionalProperties": false,
        "properties": {
            "share": { "type": ["integer", "string"], "minimum": 50, "pattern": SHARE },
            "wait_seconds": { "type": "integer", "minimum": 0, "maximum": 72_000 },
        },
    })
}

pub(super) fn brake(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "required": ["refused"],
        "additionalProperties": false,
        "properties": { "refused": { "type": "string", "pattern": SHARE } },
    })
}

/// Such as `1%` or `0.25%`.
const SHARE: &str = r"^[0-9]+(\.[0-9]+)?%$";
