//! Lines in the plugin's log, plain and with facts. The door is open to every plugin.

use omnicore::log::{self, Level, WriteOptions};
use omnicore::{map, DoorError};

/// Counts the words of a text and writes down how it went.
#[omnicore::function]
fn words(text: &str) -> Result<String, DoorError> {
    let count = text.split_whitespace().count();
    omnicore::info!("counted {count} words");
    if count == 0 {
        let fields = map! { "bytes": text.len() };
        log::write(Level::Warn, "nothing to count", WriteOptions { fields: Some(fields) })?;
    }
    Ok(count.to_string())
}
