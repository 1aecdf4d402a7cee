"""What plugins remember: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["MemorySettings"]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What plugins remember."""

    embedder: str = setting(
        "static",
        "What turns texts into vectors: static, minilm, none, connector:NAME or plugin:PLUGIN.FUNCTION",
    )
    embed_s: float = setting(
        5.0,
        "Seconds that a connector or a plugin may take for vectors; then texts are found by their words",
        minimum=0.01,
        maximum=300,
    )
    summariser: str = setting(
        "none",
        "What makes one text of several: none (the one in the middle speaks for all), connector:NAME or"
        " plugin:PLUGIN.FUNCTION",
    )
    dimensions: int = setting(
        0, "Numbers in the embeddings that callers bring; 0 takes those of the first one", minimum=0, maximum=4096
    )
    auto_consolidation: bool = setting(True, "Whether memories are consolidated by themselves")
    consolidate_every_s: float = setting(3600.0, "Seconds between consolidations", minimum=1)
    max_per_tier: int = setting(10_000, "The most memories of one plugin in one tier", minimum=1)
    writes_per_s: float = setting(5_000.0, "Memories that one plugin may store in a second; 0 for any", minimum=0)
    exact_upto: int = setting(20_000, "Memories that are compared one by one before an index is used", minimum=0)
    m: int = setting(16, "Links of each memory in the index", minimum=2, maximum=128)
    ef: int = setting(100, "Candidates looked at while searching and building the index", minimum=1, maximum=10_000)
    in_ram: int = setting(1_000_000, "Memories whose vectors are kept in RAM, all plugins together", minimum=1)
    grace_s: float = setting(86_400.0, "How long the empty rows of forgotten memories stay", minimum=0)
    weight_turn: float = setting(0.25, "Weight of a memory's own meaning", minimum=0, maximum=10)
    weight_pair: float = setting(0.25, "Weight of its meaning with the turn before", minimum=0, maximum=10)
    weight_words: float = setting(0.3, "Weight of its words", minimum=0, maximum=10)
    weight_window: float = setting(0.2, "Weight of its words with the turns around it", minimum=0, maximum=10)
    weight_speaker: float = setting(0.1, "Weight of being said by whom the question names", minimum=0, maximum=10)
    weight_session: float = setting(0.3, "Weight of how well its session fits", minimum=0, maximum=10)
    weight_importance: float = setting(0.05, "Weight of importance, which breaks ties", minimum=0, maximum=10)
    weight_recency: float = setting(0.02, "Weight of being new, which breaks ties", minimum=0, maximum=10)
