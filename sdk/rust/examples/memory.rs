//! What was said before, found by meaning. plugin.toml asks for `memory`.

use omnicore::memory::{self, RecallOptions, StoreOptions};
use omnicore::{map, DoorError};

/// Remembers something and returns its id.
#[omnicore::function]
fn remember(text: &str) -> Result<String, DoorError> {
    let metadata = map! { "from": "example" };
    memory::store(text, StoreOptions { importance: Some(0.8), metadata: Some(metadata), ..Default::default() })
}

/// The three memories that fit best.
#[omnicore::function]
fn recall(text: &str) -> Result<Vec<String>, DoorError> {
    let found = memory::recall(RecallOptions { text: Some(text), limit: Some(3), ..Default::default() })?;
    Ok(found.into_iter().map(|item| item.text).collect())
}
