//! Lines for the log, as `format!` writes them.

use crate::log::{self, Level};

/// What the macros call. A line that is refused, for one too many, is no reason to fail.
pub fn line(level: Level, message: &str) {
    let _ = log::write(level, message, None);
}

/// Writes a line of little weight: `omnicore::debug!("read {count} rows")`.
#[macro_export]
macro_rules! debug {
    ($($text:tt)*) => { $crate::say::line($crate::log::Level::Debug, &format!($($text)*)) };
}

/// Writes a line: `omnicore::info!("read {count} rows")`.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::say::line($crate::log::Level::Info, &format!($($text)*)) };
}

/// Writes a line about what may be wrong.
#[macro_export]
macro_rules! warn {
    ($($text:tt)*) => { $crate::say::line($crate::log::Level::Warn, &format!($($text)*)) };
}

/// Writes a line about what went wrong.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::say::line($crate::log::Level::Error, &format!($($text)*)) };
}

/// A JSON object: `omnicore::map! { "user": "ada", "tries": 3 }`.
#[macro_export]
macro_rules! map {
    ($($inner:tt)*) => {
        match $crate::json!({ $($inner)* }) {
            $crate::Json::Object(map) => map,
            _ => unreachable!(),
        }
    };
}
