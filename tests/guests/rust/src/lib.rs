//! What plugins built with Extism's Rust kit do, one export for each: see the table in `tests/guests/README.md`.

use extism_pdk::*;
use serde::Serialize;

#[host_fn]
extern "ExtismHost" {
    fn hello_world(name: String) -> String;
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Greeting {
    greeting: String,
    total: usize,
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Page {
    status: u16,
    body: String,
}

#[plugin_fn]
pub fn echo(data: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(data)
}

#[plugin_fn]
pub fn greet(data: Vec<u8>) -> FnResult<Json<Greeting>> {
    let greeting = config::get("greeting")?.unwrap_or_else(|| "Hello".into());
    let before = var::get::<String>("total")?.map_or(Ok(0), |text| text.parse::<usize>())?;
    let total = before + data.len();
    var::set("total", total.to_string())?;
    Ok(Json(Greeting { greeting, total }))
}

#[plugin_fn]
pub fn fetch(url: String) -> FnResult<Json<Page>> {
    let answer = http::request::<()>(&HttpRequest::new(url).with_header("x-guest", "rust"), None)?;
    Ok(Json(Page { status: answer.status_code(), body: String::from_utf8(answer.body())? }))
}

#[plugin_fn]
pub fn headers(url: String) -> FnResult<Json<std::collections::BTreeMap<String, String>>> {
    let answer = http::request::<()>(&HttpRequest::new(url), None)?;
    Ok(Json(answer.headers().clone().into_iter().collect()))
}

#[plugin_fn]
pub fn post(body: Vec<u8>) -> FnResult<Vec<u8>> {
    let url = config::get("url")?.unwrap_or_default();
    Ok(http::request(&HttpRequest::new(url).with_method("POST"), Some(body))?.body())
}

#[plugin_fn]
pub fn log(text: String) -> FnResult<()> {
    trace!("trace {text}");
    debug!("debug {text}");
    info!("info {text}");
    warn!("warn {text}");
    error!("error {text}");
    Ok(())
}

#[plugin_fn]
pub fn fail(text: String) -> FnResult<()> {
    Err(Error::msg(text).into())
}

#[plugin_fn]
pub fn code(_: ()) -> FnResult<()> {
    Err(WithReturnCode::new(Error::msg("code 7"), 7))
}

#[plugin_fn]
pub fn panics(text: String) -> FnResult<()> {
    panic!("{text}")
}

#[plugin_fn]
pub fn hello(name: String) -> FnResult<String> {
    Ok(unsafe { hello_world(name)? })
}

#[plugin_fn]
pub fn forget(_: ()) -> FnResult<()> {
    Ok(var::remove("total")?)
}

/// Takes that many bytes of memory, uses them and says how many it has.
#[plugin_fn]
pub fn grow(size: String) -> FnResult<String> {
    let block = vec![1u8; size.parse()?];
    Ok(block.iter().map(|&byte| usize::from(byte)).sum::<usize>().to_string())
}

#[plugin_fn]
pub fn spin(_: ()) -> FnResult<()> {
    loop {
        std::hint::black_box(());
    }
}
