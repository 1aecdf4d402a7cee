// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Read the plugin's settings.

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::{DoorError, Map};

/// One setting, checked against the `[config]` schema of the manifest, defaults included.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        key: &'a str,
    }
    let request = Request { key };
    crate::call::field("value", door!(config_get_v1, &request)?)
}

/// All settings.
pub fn all() -> Result<Map, DoorError> {
    #[derive(Serialize)]
    struct Request {}
    let request = Request {};
    crate::call::field("values", door!(config_get_v1, &request)?)
}
