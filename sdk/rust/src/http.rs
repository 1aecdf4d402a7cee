// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Send HTTP requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bytes::Borrowed;
use crate::DoorError;

/// An answer; a status of 400 and above is one, too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Response {
    /// 100 to 599.
    pub status: u64,
    /// By lower-case names, repeated ones joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// As it came.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
}

/// What can be said to [`fetch`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct FetchOptions<'a> {
    /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out.
    pub method: Option<&'a str>,
    /// Those of the connection itself are the host's.
    pub headers: Option<BTreeMap<&'a str, &'a str>>,
    /// What is sent.
    pub body: Option<&'a [u8]>,
}

/// Sends a request and waits for the whole answer.
pub fn fetch<'a>(url: &str, options: impl Into<Option<FetchOptions<'a>>>) -> Result<Response, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        headers: Option<BTreeMap<&'a str, &'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<Borrowed<'a>>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { url, method: options.method, headers: options.headers, body: options.body.map(Borrowed) };
    crate::call::record("response", door!(http_fetch_v1, &request)?)
}
