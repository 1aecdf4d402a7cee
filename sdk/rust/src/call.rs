//! The way through a door: a JSON request out, a JSON reply or an error back.

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::{DoorError, Json, Map};

/// Calls a function of a door: `door!(kv_put_v1, &request)`. Only a function that is used is imported.
#[doc(hidden)]
#[macro_export]
macro_rules! door {
    ($name:ident, $request:expr) => {{
        #[cfg(target_arch = "wasm32")]
        #[link(wasm_import_module = "extism:host/user")]
        extern "C" {
            fn $name(request: u64) -> u64;
        }
        #[cfg(target_arch = "wasm32")]
        let exchange = |request: &[u8]| $crate::call::exchange(request, |handle| unsafe { $name(handle) });
        #[cfg(not(target_arch = "wasm32"))]
        let exchange = |request: &[u8]| $crate::testing::exchange(stringify!($name), request);
        $crate::call::call(stringify!($name), $request, exchange)
    }};
}

pub fn call(
    name: &str,
    request: &impl Serialize,
    exchange: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<Map, DoorError> {
    let request = serde_json::to_vec(request).map_err(|error| malformed(name, &error))?;
    answered(name, &exchange(&request))
}

fn malformed(name: &str, error: &serde_json::Error) -> DoorError {
    let message = format!("the request of {name} cannot be written as JSON: {error}");
    DoorError { code: "malformed-request".into(), message, ..DoorError::default() }
}

fn answered(name: &str, reply: &[u8]) -> Result<Map, DoorError> {
    let mut reply: Map = serde_json::from_slice(reply).map_err(|error| strange(name, error))?;
    match reply.remove("error") {
        Some(error) => Err(serde_json::from_value(error).unwrap_or_else(|error| strange(name, error))),
        None => Ok(reply),
    }
}

/// The one field of a reply.
pub fn field<T: DeserializeOwned>(name: &str, mut reply: Map) -> Result<T, DoorError> {
    serde_json::from_value(reply.remove(name).unwrap_or_default()).map_err(|error| strange(name, error))
}

/// A reply that is a record.
pub fn record<T: DeserializeOwned>(name: &str, reply: Map) -> Result<T, DoorError> {
    serde_json::from_value(Json::Object(reply)).map_err(|error| strange(name, error))
}

/// A reply that is a record, or has only nulls where there is nothing.
pub fn maybe<T: DeserializeOwned>(name: &str, reply: Map) -> Result<Option<T>, DoorError> {
    if reply.values().all(Json::is_null) {
        return Ok(None);
    }
    record(name, reply).map(Some)
}

fn strange(name: &str, error: serde_json::Error) -> DoorError {
    DoorError::unavailable(format!("the reply's {name} is not as the specification says: {error}"))
}

/// Hands a block to the host and reads the one that comes back. Both are ours and are freed.
#[cfg(target_arch = "wasm32")]
pub fn exchange(request: &[u8], send: impl FnOnce(u64) -> u64) -> Vec<u8> {
    let block = crate::export::block(request);
    let reply = extism_pdk::Memory::from(send(block.offset()));
    block.free();
    let bytes = reply.to_vec();
    reply.free();
    bytes
}
