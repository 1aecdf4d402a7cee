"""What the plugin remembers, found again by meaning, words and time."""

from omnicore_sdk import function, memory


@function
def note(text: str) -> str:
    """Remembers a text; returns its id."""
    return memory.store(text, tier="episodic", metadata={"source": "note"})


@function
def recall(question: str) -> list[str]:
    """What fits a question best."""
    return [item.text for item in memory.recall(text=question, limit=3)]
