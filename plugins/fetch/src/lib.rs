//! Looks at web pages through the host's `http` door.

mod door;
mod html;

use extism_pdk::{plugin_fn, Error, FnResult, FromBytes, Json, ToBytes};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, FromBytes)]
#[encoding(Json)]
struct Page {
    url: String,
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Title {
    status: u16,
    title: Option<String>,
}

/// {url} -> {status, title}: what the page calls itself; null where it has no title.
#[plugin_fn]
pub fn title(page: Page) -> FnResult<Title> {
    let answer = get(&page)?;
    let title = answer.body.text().and_then(|body| html::title(&body));
    Ok(Title { status: answer.status, title })
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Links {
    status: u16,
    links: Vec<String>,
}

/// {url} -> {status, links}: where the page's links lead, as they are written, each once.
#[plugin_fn]
pub fn links(page: Page) -> FnResult<Links> {
    let answer = get(&page)?;
    let links = answer.body.text().map(|body| html::links(&body)).unwrap_or_default();
    Ok(Links { status: answer.status, links })
}

fn get(page: &Page) -> Result<door::Answer, Error> {
    door::fetch(&door::Request { url: &page.url, method: "GET", headers: [("accept", "text/html")].into() })
}
