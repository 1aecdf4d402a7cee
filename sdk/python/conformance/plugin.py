"""Calls every door through the kit's own functions, as the cases of specs/conformance ask."""

import json

from dispatch import dispatch
from omnicore_sdk import DoorError, function


@function
def door(text: str) -> str:
    """Calls one verb of a door and shows what came back."""
    asked = json.loads(text)
    try:
        return json.dumps({"reply": dispatch(asked["door"], asked["verb"], asked["request"])}, ensure_ascii=False)
    except DoorError as error:
        return json.dumps({"error": {name: value for name, value in vars(error).items() if value is not None}})
