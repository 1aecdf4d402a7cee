//! The host's `http` door: a JSON request in, a JSON reply out. A refusal is a reply, not a trap.

use std::collections::BTreeMap;

use base64::{prelude::BASE64_STANDARD as BASE64, Engine};
use extism_pdk::{host_fn, Error, Json};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub struct Request<'a> {
    pub url: &'a str,
    pub method: &'a str,
    pub headers: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
pub struct Answer {
    pub status: u16,
    pub body: Body,
}

/// Text where the bytes are UTF-8, else base64.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Body {
    Text(String),
    Bytes { base64: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reply {
    Refused { error: Refusal },
    Answered(Answer),
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    remedy: String,
}

#[host_fn("extism:host/user")]
extern "ExtismHost" {
    fn http_fetch_v1(request: String) -> Json<Reply>;
}

impl Body {
    /// The body as text; a page in another encoding than UTF-8 is read as Latin-1.
    pub fn text(self) -> Option<String> {
        match self {
            Body::Text(text) => Some(text),
            Body::Bytes { base64 } => Some(BASE64.decode(base64).ok()?.into_iter().map(char::from).collect()),
        }
    }
}

/// Sends the request. An error is the host's refusal, with what to do about it.
pub fn fetch(request: &Request) -> Result<Answer, Error> {
    let Json(reply) = unsafe { http_fetch_v1(serde_json::to_string(request)?)? };
    match reply {
        Reply::Answered(answer) => Ok(answer),
        Reply::Refused { error } if error.remedy.is_empty() => Err(Error::msg(error.message)),
        Reply::Refused { error } => Err(Error::msg(format!("{}; {}", error.message, error.remedy))),
    }
}
