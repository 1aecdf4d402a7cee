//! A counter that outlives the call. plugin.toml asks for `kv`.

use omnicore::{kv, Result};

/// Adds one to a counter and returns what it stands at.
#[omnicore::function]
fn count(name: &str) -> Result<String> {
    loop {
        let entry = kv::get(name)?;
        let (before, version) = match entry {
            Some(entry) => (String::from_utf8(entry.value)?.parse::<u64>()?, Some(entry.version)),
            None => (0, None),
        };
        let now = (before + 1).to_string();
        if kv::cas(name, version, &now, None)?.swapped {
            return Ok(now);
        }
    }
}

/// Remembers a text for a minute.
#[omnicore::function]
fn note(text: &str) -> Result<(), omnicore::DoorError> {
    kv::put("note", text, kv::PutOptions { ttl_s: Some(60.0) })?;
    Ok(())
}

/// The names of all counters.
#[omnicore::function]
fn counters() -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let page = kv::list(kv::ListOptions { cursor: cursor.as_deref(), ..Default::default() })?;
        names.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(names);
        }
    }
}
