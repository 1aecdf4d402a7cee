"""Functions that run later, again when they fail, and after a restart of the host."""

from omnicore_sdk import function, tasks


@function
def remind(who: str, minutes: float) -> str:
    """Sends a mail later; returns the task's id. The same reminder twice is one."""
    return tasks.submit("mail.send", input={"to": who}, delay_s=minutes * 60, key=f"remind-{who}")


@function
def waiting() -> list[str]:
    """Which functions wait."""
    return [task.function for task in tasks.list(state="waiting").tasks]
