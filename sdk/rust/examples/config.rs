//! Settings, with their own types. plugin.toml declares them under `[config]`. The door is open to every plugin.

use omnicore::{config, Json, Result};

/// The text, cut at the setting `width`.
#[omnicore::function]
fn cut(text: String) -> Result<String> {
    let width = config::get("width")?.unwrap_or(80);
    Ok(text.chars().take(width).collect())
}

/// All settings.
#[omnicore::function]
fn settings() -> Result<Json> {
    Ok(config::all()?.into())
}
