//! Work for later, which the host repeats when it fails. plugin.toml asks for `tasks` and names the functions.

use omnicore::tasks::{self, State, SubmitOptions};
use omnicore::{json, DoorError, Result};

/// Sends a mail in a minute, once for each address; returns the task's id.
#[omnicore::function]
fn welcome(address: &str) -> Result<String, DoorError> {
    let input = json!({"to": address, "subject": "Welcome"});
    let options = SubmitOptions { input: Some(input), delay_s: Some(60.0), key: Some(address), ..Default::default() };
    tasks::submit("mail.send", options)
}

/// Whether a task is done.
#[omnicore::function]
fn done(id: &str) -> Result<bool> {
    Ok(tasks::get(id)?.is_some_and(|task| task.state == State::Done))
}
