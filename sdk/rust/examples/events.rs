//! Events for whoever subscribed. plugin.toml asks for `events` and names the topics.

use omnicore::{events, DoorError};

#[omnicore::data]
struct Order {
    number: u32,
    /// In cents.
    total: u64,
}

/// Tells that an order was paid and returns the event's id.
#[omnicore::function]
fn paid(order: Order) -> Result<String, DoorError> {
    events::publish("order.paid", &order)
}
