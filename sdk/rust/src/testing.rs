//! Unit tests without the host: what the doors answer there.
//!
//! ```
//! omnicore::testing::host(|function, request| match function {
//!     "kv_get_v1" if request["key"] == "count" => omnicore::json!({"value": "7", "version": 1}),
//!     _ => omnicore::testing::refused("permission-denied", "not here"),
//! });
//! let entry = omnicore::kv::get("count").unwrap().unwrap();
//! assert_eq!(entry.value, b"7");
//! assert!(omnicore::kv::get("other").is_err());
//! ```

use serde::{de::DeserializeOwned, Serialize};

use crate::{json, DoorError, Json};

/// A field of a request, as the fakes of `omnicore kit` read it; one that was left out is null.
pub fn given<T: DeserializeOwned>(request: &Json, name: &str) -> T {
    serde_json::from_value(request[name].clone()).expect("a kit writes what it reads")
}

/// The answer of such a fake.
pub fn told<T: Serialize>(answer: Result<T, DoorError>) -> Json {
    match answer {
        Ok(value) => json!({ "value": value }),
        Err(error) => json!({ "error": error }),
    }
}

/// The error of a door of which a test says nothing.
pub fn unsaid(verb: &str) -> DoorError {
    DoorError::unavailable(format!("the test does not say what {verb} answers"))
}

/// The answer of a door that refuses.
pub fn refused(code: &str, message: &str) -> Json {
    json!({"error": {"code": code, "message": message}})
}

#[cfg(not(target_arch = "wasm32"))]
pub use native::host;

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub use native::exchange;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;

    use super::refused;
    use crate::{json, Json};

    type Host = Box<dyn FnMut(&str, Json) -> Json>;

    thread_local! {
        static HOST: RefCell<Host> = RefCell::new(Box::new(nobody));
    }

    /// Lets `answer` be the host of this thread, which is the one of this test: it is given the name of the function,
    /// such as `kv_get_v1`, and the request, and returns the reply.
    ///
    /// Until then the log prints, no setting is set, and every other door is `unavailable`.
    pub fn host(answer: impl FnMut(&str, Json) -> Json + 'static) {
        HOST.with(|host| *host.borrow_mut() = Box::new(answer));
    }

    pub fn exchange(function: &str, request: &[u8]) -> Vec<u8> {
        let request = serde_json::from_slice(request).expect("a kit writes JSON");
        HOST.with(|host| (host.borrow_mut())(function, request)).to_string().into_bytes()
    }

    fn nobody(function: &str, request: Json) -> Json {
        match function {
            "log_write_v1" => {
                eprintln!("{}: {}", request["level"].as_str().unwrap_or(""), request["message"].as_str().unwrap_or(""));
                json!({})
            }
            "config_get_v1" => json!({"value": null, "values": {}}),
            _ => refused("unavailable", "there is no host in a test; use omnicore::testing::host"),
        }
    }
}
