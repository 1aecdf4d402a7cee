//! Events for whoever subscribed. plugin.toml asks for `events` and names the topics.

use omnicore::{events, DoorError};

#[omnicore::data]
struct Order {
    number: u32,
    /// In cents.
    total: u64,
}

/// From now on the host calls `heard` with each event of order.*; returns the subscription's id.
#[omnicore::function]
fn listen() -> Result<String, DoorError> {
    events::subscribe("order.*", "heard")
}

#[omnicore::data]
struct Event {
    topic: String,
    data: Order,
}

/// Called by the host with each event.
#[omnicore::function]
fn heard(event: Event) -> String {
    format!("{}: {} for {}", event.topic, event.data.number, event.data.total)
}

/// Tells that an order was paid and returns the event's id.
#[omnicore::function]
fn paid(order: Order) -> Result<String, DoorError> {
    events::publish("order.paid", &order)
}
