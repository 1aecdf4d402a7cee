"""Services the host is connected to; their credentials never reach the plugin."""

from omnicore_sdk import connectors, function


@function
def post(text: str) -> bool:
    """Posts a text where that is possible; returns whether it was."""
    for connector in connectors.list():
        if "post" in connector.actions:
            connectors.call(connector.name, "post", input={"text": text})
            return True
    return False
