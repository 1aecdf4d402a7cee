//! Plugins for OmniCore in Rust.
//!
//! ```
//! /// Says hello.
//! #[omnicore::function]
//! fn greet(input: Greet) -> Result<Greeting, omnicore::Error> {
//!     let word = omnicore::config::get("greeting")?.unwrap_or("Hello".to_string());
//!     Ok(Greeting { greeting: format!("{word}, {}!", input.name) })
//! }
//!
//! #[omnicore::data]
//! struct Greet {
//!     name: String,
//! }
//!
//! #[omnicore::data]
//! struct Greeting {
//!     greeting: String,
//! }
//! ```
//!
//! Each door of the host is a module: [`log`], [`config`], [`kv`], [`http`], [`events`], [`tasks`], [`memory`],
//! [`vectors`], [`connectors`]. A refusal is a [`DoorError`]; `?` hands it on to the caller. On any other target than
//! Wasm the doors ask what a test has put into [`testing::host`].

extern crate self as omnicore; // so that the attributes find this crate by one name, in here too

#[doc(hidden)]
#[macro_use]
pub mod call;
mod error;

pub mod bytes;
pub mod testing;

pub mod config;
pub mod connectors;
pub mod events;
pub mod http;
pub mod kv;
pub mod log;
pub mod memory;
pub mod tasks;
pub mod vectors;

#[doc(hidden)]
pub mod describe;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod say;

pub use anyhow::{anyhow, bail, ensure, Context, Error, Result};
pub use error::DoorError;
pub use omnicore_sdk_macros::{data, function};
pub use schemars::{self, JsonSchema};
pub use serde::{self, Deserialize, Serialize};
pub use serde_json::{self, json, Value as Json};

/// The Extism kit below this one, for what only it has, such as variables. There is none on other targets than Wasm.
#[cfg(target_arch = "wasm32")]
pub use extism_pdk as pdk;

/// A JSON object.
pub type Map = serde_json::Map<String, Json>;
