// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Keep vectors and find the nearest.

use serde::{Deserialize, Serialize};

use crate::{DoorError, Map};

/// How far two vectors are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Metric {
    #[serde(rename = "cosine")]
    Cosine,
    #[serde(rename = "l2")]
    L2,
    #[serde(rename = "dot")]
    Dot,
}

/// A vector to keep.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Vector {
    /// Chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first.
    pub id: String,
    /// As many as the collection has dimensions, all finite.
    pub values: Vec<f64>,
    /// At most 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
}

/// A vector that was found.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Match {
    /// As it was kept.
    pub id: String,
    /// 0 is the same; by the collection's metric.
    pub distance: f64,
    /// As it was kept.
    pub metadata: Map,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Matches {
    /// Nearest first.
    pub matches: Vec<Match>,
    /// False when an index answered, which may miss some.
    pub exact: bool,
}

/// What can be said to [`create`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct CreateOptions {
    /// `cosine` when left out.
    pub metric: Option<Metric>,
}

/// Makes a collection; returns whether it is new. One that is there must have the same shape.
pub fn create(collection: &str, dimensions: u64, options: impl Into<Option<CreateOptions>>) -> Result<bool, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        collection: &'a str,
        dimensions: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        metric: Option<Metric>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { collection, dimensions, metric: options.metric };
    crate::call::field("created", door!(vectors_create_v1, &request)?)
}

/// Keeps vectors, all or none; returns how many.
pub fn upsert(collection: &str, vectors: &[Vector]) -> Result<u64, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        collection: &'a str,
        vectors: &'a [Vector],
    }
    let request = Request { collection, vectors };
    crate::call::field("count", door!(vectors_upsert_v1, &request)?)
}

/// What can be said to [`search`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct SearchOptions {
    /// 1 to 1000; 10 when left out.
    pub limit: Option<u64>,
    /// What the metadata must fulfil: equal values, or operators as in `docs/memory.md`.
    pub filter: Option<Map>,
}

/// The nearest vectors.
pub fn search(
    collection: &str,
    values: &[f64],
    options: impl Into<Option<SearchOptions>>,
) -> Result<Matches, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        collection: &'a str,
        values: &'a [f64],
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        filter: Option<Map>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { collection, values, limit: options.limit, filter: options.filter };
    crate::call::record("matches", door!(vectors_search_v1, &request)?)
}

/// Deletes vectors; returns how many there were.
pub fn delete(collection: &str, ids: &[&str]) -> Result<u64, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        collection: &'a str,
        ids: &'a [&'a str],
    }
    let request = Request { collection, ids };
    crate::call::field("deleted", door!(vectors_delete_v1, &request)?)
}
