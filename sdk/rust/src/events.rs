// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Publish events.

use serde::Serialize;

use crate::DoorError;

/// Hands an event to whoever subscribed; returns its id. At most 100 a second.
pub fn publish(topic: &str, data: impl Serialize) -> Result<String, DoorError> {
    #[derive(Serialize)]
    struct Request<'a, D> {
        topic: &'a str,
        data: D,
    }
    let request = Request { topic, data };
    crate::call::field("id", door!(events_publish_v1, &request)?)
}
