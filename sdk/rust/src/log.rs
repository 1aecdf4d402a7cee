// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Write to the plugin's log.

use serde::{Deserialize, Serialize};

use crate::{DoorError, Map};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Level {
    #[serde(rename = "trace")]
    Trace,
    #[serde(rename = "debug")]
    Debug,
    #[serde(rename = "info")]
    Info,
    #[serde(rename = "warn")]
    Warn,
    #[serde(rename = "error")]
    Error,
}

/// What can be said to [`write`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Facts about it.
    pub fields: Option<Map>,
}

/// Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB.
pub fn write(level: Level, message: &str, options: impl Into<Option<WriteOptions>>) -> Result<(), DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        level: Level,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        fields: Option<Map>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { level, message, fields: options.fields };
    door!(log_write_v1, &request).map(|_| ())
}
