//! What a door answers when it refuses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A door's refusal, or an expected failure. As text it is the message and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct DoorError {
    /// Such as `permission-denied`; treat one you do not know as a failure.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// What was to be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Which limit was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

impl DoorError {
    /// For a reply that cannot be understood, and for a host that is not there.
    pub(crate) fn unavailable(message: String) -> Self {
        DoorError { code: "unavailable".into(), message, ..DoorError::default() }
    }
}

impl fmt::Display for DoorError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remedy {
            Some(remedy) => write!(out, "{}; {remedy}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

impl std::error::Error for DoorError {}
