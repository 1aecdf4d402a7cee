// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Use the services the host is connected to.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{DoorError, Json};

/// A service the host is connected to. Its credentials never reach a plugin.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Connector {
    /// Chosen by the operator.
    pub name: String,
    /// Such as `http`, `postgresql`, `github`.
    pub kind: String,
    /// What it can do and the plugin may ask for.
    pub actions: Vec<String>,
}

/// The connectors the plugin may use.
pub fn list() -> Result<Vec<Connector>, DoorError> {
    #[derive(Serialize)]
    struct Request {}
    let request = Request {};
    crate::call::field("connectors", door!(connectors_list_v1, &request)?)
}

/// What can be said to [`call`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// What the action takes, at most 1 MiB.
    pub input: Option<Json>,
}

/// Lets a connector do something and returns what came of it.
pub fn call<T: DeserializeOwned>(
    connector: &str,
    action: &str,
    options: impl Into<Option<CallOptions>>,
) -> Result<Option<T>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        connector: &'a str,
        action: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Json>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { connector, action, input: options.input };
    crate::call::field("output", door!(connectors_call_v1, &request)?)
}
