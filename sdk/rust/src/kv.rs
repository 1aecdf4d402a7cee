// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Keep keys and values between calls.

use serde::{Deserialize, Serialize};

use crate::bytes::Borrowed;
use crate::DoorError;

/// A value and its version.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Entry {
    /// What was put.
    #[serde(with = "crate::bytes")]
    pub value: Vec<u8>,
    /// Changes with every write.
    pub version: u64,
}

/// Some of the keys.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Page {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// For the next page; `None` after the last.
    pub cursor: Option<String>,
}

/// What a conditional write did.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Swap {
    /// Whether the value was written.
    pub swapped: bool,
    /// The one that stands now; `None` when there is no value.
    pub version: Option<u64>,
}

/// The value of a key, or nothing.
pub fn get(key: &str) -> Result<Option<Entry>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        key: &'a str,
    }
    let request = Request { key };
    crate::call::maybe("entry", door!(kv_get_v1, &request)?)
}

/// What can be said to [`put`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// Seconds after which the value is gone.
    pub ttl_s: Option<f64>,
}

/// Writes a value and returns its new version.
pub fn put(key: &str, value: impl AsRef<[u8]>, options: impl Into<Option<PutOptions>>) -> Result<u64, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        key: &'a str,
        value: Borrowed<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_s: Option<f64>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { key, value: Borrowed(value.as_ref()), ttl_s: options.ttl_s };
    crate::call::field("version", door!(kv_put_v1, &request)?)
}

/// Deletes a key; returns whether there was something.
pub fn delete(key: &str) -> Result<bool, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        key: &'a str,
    }
    let request = Request { key };
    crate::call::field("deleted", door!(kv_delete_v1, &request)?)
}

/// What can be said to [`list`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct ListOptions<'a> {
    /// How the keys begin.
    pub prefix: Option<&'a str>,
    /// 1 to 1000; 100 when left out.
    pub limit: Option<u64>,
    /// Of the page before.
    pub cursor: Option<&'a str>,
}

/// A page of keys, in the order of their bytes.
pub fn list<'a>(options: impl Into<Option<ListOptions<'a>>>) -> Result<Page, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        prefix: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { prefix: options.prefix, limit: options.limit, cursor: options.cursor };
    crate::call::record("page", door!(kv_list_v1, &request)?)
}

/// What can be said to [`cas`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct CasOptions {
    /// Seconds after which the value is gone.
    pub ttl_s: Option<f64>,
}

/// Writes only if the version is still the expected one, or with `None` only if the key does not exist.
pub fn cas(
    key: &str,
    expected: Option<u64>,
    value: impl AsRef<[u8]>,
    options: impl Into<Option<CasOptions>>,
) -> Result<Swap, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        key: &'a str,
        expected: Option<u64>,
        value: Borrowed<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_s: Option<f64>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { key, expected, value: Borrowed(value.as_ref()), ttl_s: options.ttl_s };
    crate::call::record("swap", door!(kv_cas_v1, &request)?)
}
