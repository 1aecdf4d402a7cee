//! Requests to other hosts. plugin.toml asks for `http` and names them.

use omnicore::{ensure, http, Result};

/// The bytes behind an address.
#[omnicore::function]
fn fetch(url: &str) -> Result<Vec<u8>> {
    let options = http::FetchOptions { headers: Some([("accept", "text/html")].into()), ..Default::default() };
    let answer = http::fetch(url, options)?;
    ensure!(answer.status < 400, "{url} answered with status {}", answer.status);
    Ok(answer.body)
}
