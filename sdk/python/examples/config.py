"""The plugin's settings, as the `[config]` schema of its manifest has them."""

from omnicore_sdk import config, function


@function
def price(net: float) -> float:
    """A price with tax, 20 % unless a setting says otherwise."""
    rate = config.get("tax_percent")
    return round(net * (1 + (20 if rate is None else rate) / 100), 2)


@function
def settings() -> list[str]:
    """The names of all settings."""
    return sorted(config.all())
