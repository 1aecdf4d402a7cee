//! Services that the operator connected; their credentials never reach the plugin. plugin.toml asks for `connectors`.

use omnicore::connectors::{self, CallOptions};
use omnicore::{json, DoorError};

#[omnicore::data]
struct Row {
    name: String,
    stars: u32,
}

/// The rows of a query, as the connector's action gives them.
#[omnicore::function]
fn popular(least: u32) -> Result<Vec<Row>, DoorError> {
    let input = json!({"sql": "select name, stars from projects where stars >= ?", "values": [least]});
    let rows = connectors::call("database", "query", CallOptions { input: Some(input) })?;
    Ok(rows.unwrap_or_default())
}

/// The names of the connectors that can be used.
#[omnicore::function]
fn connected() -> Result<Vec<String>, DoorError> {
    Ok(connectors::list()?.into_iter().map(|one| one.name).collect())
}
