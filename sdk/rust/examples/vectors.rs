//! Vectors, and the nearest of them. plugin.toml asks for `vectors` and names the collections.

use omnicore::vectors::{self, SearchOptions, Vector};
use omnicore::{map, DoorError};

/// Three colours as vectors; returns how many there are.
#[omnicore::function]
fn prepare() -> Result<u64, DoorError> {
    vectors::create("colours", 3, None)?;
    let colour = |id: &str, values: [f64; 3], warm: bool| Vector {
        id: id.to_string(),
        values: values.to_vec(),
        metadata: Some(map! { "warm": warm }),
    };
    let all = [
        colour("red", [1.0, 0.0, 0.0], true),
        colour("green", [0.0, 1.0, 0.0], false),
        colour("blue", [0.0, 0.0, 1.0], false),
    ];
    vectors::upsert("colours", &all)
}

/// The name of the cold colour that is nearest.
#[omnicore::function]
fn nearest(rgb: [f64; 3]) -> Result<Option<String>, DoorError> {
    let options = SearchOptions { limit: Some(1), filter: Some(map! { "warm": false }) };
    let found = vectors::search("colours", &rgb, options)?;
    Ok(found.matches.into_iter().next().map(|one| one.id))
}
