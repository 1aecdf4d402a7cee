// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Publish events and hear them.

use serde::{Deserialize, Serialize};

use crate::DoorError;

/// A function of the plugin that hears a topic.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Subscription {
    /// Given by the host.
    pub id: String,
    /// The pattern.
    pub topic: String,
    /// Which is called with each event.
    pub function: String,
}

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

/// Lets the host call a function of this plugin with each event; the same again is the same one.
pub fn subscribe(topic: &str, function: &str) -> Result<String, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        topic: &'a str,
        function: &'a str,
    }
    let request = Request { topic, function };
    crate::call::field("id", door!(events_subscribe_v1, &request)?)
}

/// Ends a subscription; returns whether there was one.
pub fn unsubscribe(id: &str) -> Result<bool, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        id: &'a str,
    }
    let request = Request { id };
    crate::call::field("removed", door!(events_unsubscribe_v1, &request)?)
}

/// All subscriptions of this plugin, oldest first.
pub fn subscriptions() -> Result<Vec<Subscription>, DoorError> {
    #[derive(Serialize)]
    struct Request {}
    let request = Request {};
    crate::call::field("items", door!(events_subscriptions_v1, &request)?)
}
