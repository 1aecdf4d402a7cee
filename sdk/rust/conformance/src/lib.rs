//! Calls every door through the kit's own functions, for the cases of `specs/conformance`.

mod dispatch;

use omnicore::{json, DoorError, Error, Json};

#[omnicore::data]
struct Step {
    door: String,
    verb: String,
    request: Json,
}

/// Calls one verb of a door and shows what came back.
#[omnicore::function]
fn door(step: Step) -> Result<Json, Error> {
    match dispatch::call(&step.door, &step.verb, step.request) {
        Ok(reply) => Ok(json!({"reply": reply})),
        Err(error) => Ok(json!({"error": error.downcast::<DoorError>()?})),
    }
}
