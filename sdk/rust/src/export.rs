//! What stands between an export and the function behind it.

use std::panic::PanicHookInfo;
use std::sync::Once;

use extism_pdk::{extism, Memory, MemoryHandle};
use serde::de::DeserializeOwned;
use serde::Serialize;

/// Runs a function of the plugin: its input comes from the host, and its output or error goes there.
pub fn run(body: fn(Vec<u8>) -> Result<Vec<u8>, String>) -> i32 {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| std::panic::set_hook(Box::new(tell)));
    match body(extism_pdk::input_bytes()) {
        Ok(output) => {
            block(&output).set_output();
            0
        }
        Err(text) => {
            fail(&text);
            1
        }
    }
}

/// Input that is text.
pub fn text(input: Vec<u8>) -> Result<String, String> {
    String::from_utf8(input).map_err(|error| format!("the input is no UTF-8 text: {error}"))
}

/// Input that is JSON; none at all is `null`.
pub fn json<T: DeserializeOwned>(input: &[u8]) -> Result<T, String> {
    let input = if input.is_empty() { b"null" } else { input };
    serde_json::from_slice(input).map_err(|error| format!("the input is not what the function takes: {error}"))
}

/// Output that is JSON.
pub fn to_json(output: impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(&output).map_err(|error| format!("the output cannot be written as JSON: {error}"))
}

/// A block of the host with these bytes.
pub(crate) fn block(bytes: &[u8]) -> Memory {
    let length = bytes.len() as u64;
    let offset = unsafe { extism::alloc(length) };
    unsafe { extism::store(offset, bytes) };
    Memory(MemoryHandle { offset, length })
}

fn fail(text: &str) {
    // An empty text would be no error at all.
    let text = if text.is_empty() { "the function failed and did not say why" } else { text };
    unsafe { extism::error_set(block(text.as_bytes()).offset()) };
}

fn tell(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    match panic.location() {
        Some(place) => fail(&format!("panicked at {}:{}: {said}", place.file(), place.line())),
        None => fail(&format!("panicked: {said}")),
    }
}
