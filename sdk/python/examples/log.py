"""Lines for the plugin's log. What is printed goes there as well."""

from omnicore_sdk import function, log


@function
def ship(order: str, items: int) -> None:
    """Ships an order."""
    log.info("shipping", order=order, items=items)
    if items > 100:
        log.write("warn", "a large order", fields={"order": order})
