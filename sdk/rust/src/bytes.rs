//! Bytes as they cross the border: text where they are UTF-8, else `{"base64": "..."}`. For fields of your own:
//! `#[serde(with = "omnicore::bytes")]`.

use base64::prelude::{Engine, BASE64_STANDARD};
use serde::de::{Deserializer, Error};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// Writes bytes.
pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, out: S) -> Result<S::Ok, S::Error> {
    let bytes = bytes.as_ref();
    if let Ok(text) = std::str::from_utf8(bytes) {
        return out.serialize_str(text);
    }
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry("base64", &BASE64_STANDARD.encode(bytes))?;
    map.end()
}

/// Reads bytes.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    Bytes::deserialize(from).map(|bytes| bytes.0)
}

/// Bytes by themselves, for values that are optional or stand in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, out)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Encoded { base64: String },
        }
        match Wire::deserialize(from)? {
            Wire::Text(text) => Ok(Bytes(text.into_bytes())),
            Wire::Encoded { base64 } => BASE64_STANDARD.decode(base64).map(Bytes).map_err(D::Error::custom),
        }
    }
}

/// Bytes that are borrowed, for requests.
pub(crate) struct Borrowed<'a>(pub &'a [u8]);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, out)
    }
}
