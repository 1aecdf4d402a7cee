"""The re-ranker: learned from questions, kept only where it helps on others, and another order of the same memories."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.memory.conftest import MakeMind

from omnicore.errors import InvalidSetting
from omnicore.memory.ranking import reranker_in
from omnicore.memory.ranking.train import main

CARS = ("Fiat", "Volvo", "Skoda", "Mazda", "Toyota", "Lancia", "Dacia", "Rover")


def talk(chance: random.Random, *, random_answers: bool = False) -> dict[str, Any]:
    """Turns of which those that ask say the words of the question, and those that answer say less of them."""
    people = chance.sample(("Ann", "Bob", "Cara", "Dan"), 3)
    turns: list[dict[str, str]] = []
    questions: list[dict[str, Any]] = []
    for person in people:
        asked = f"Which car does {person} drive to work"
        turns += [{"speaker": "Eve", "text": f"{asked} {chance.randint(1, 999)}?"} for _ in range(6)]
        turns.append({"speaker": person, "text": f"It was the {chance.choice(CARS)} that {person} took to work."})
        evidence = chance.randrange(len(turns)) if random_answers else len(turns) - 1
        questions.append({"text": f"Which car does {person} drive to work?", "evidence": [evidence]})
    return {"turns": turns, "questions": questions}


def written(file: Path, talks: Sequence[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in talks), "utf-8")
    return file


def test_weights_that_help_are_written_and_put_the_answer_first(
    tmp_path: Path, make_mind: MakeMind, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)
    data = written(tmp_path / "talks.jsonl", [talk(chance) for _ in range(8)])
    out = tmp_path / "weights.json"
    assert main([str(data), "--out", str(out)]) == 0
    assert "MRR" in capsys.readouterr().out
    for mind, places in ((make_mind(), (6, 7)), (make_mind(reranker=out), (0, 1))):
        for number in range(6):
            mind.memories.store(f"Which car does Ann drive to work {number}?", owner="text")
        mind.memories.store("It was the Fiat that Ann took to work.", owner="text")
        mind.memories.store("a scratch note on Ann", "immediate", owner="text")
        texts = mind.texts("Which car does Ann drive to work?", owner="text")
        assert texts.index("It was the Fiat that Ann took to work.") in places
        assert len(texts) == 8
        mind.memories.clear("text")


def test_weights_that_do_not_help_are_not_written(tmp_path: Path) -> None:
    chance = random.Random(3)
    data = written(tmp_path / "talks.jsonl", [talk(chance, random_answers=True) for _ in range(8)])
    assert main([str(data), "--out", str(tmp_path / "weights.json")]) == 1
    assert not (tmp_path / "weights.json").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ('{"turns": 1}', "turns"),
        ('{"turns": [{"text": "a"}], "questions": [{"text": "a", "evidence": [1]}]}', "not there"),
        ('{"turns": [{"text": ""}], "questions": []}', "empty"),
        ('{"turns": [{"text": "a"}], "questions": []}', "too few"),
    ],
)
def test_bad_data_are_refused(line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "talks.jsonl").write_text(line + "\n")
    assert main([str(tmp_path / "talks.jsonl"), "--out", str(tmp_path / "weights.json")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "{", "[]", '{"format": 1}', "x" * 100_000])
def test_a_file_that_holds_no_weights_is_refused_at_the_start(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "weights.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidSetting, match="holds no weights"):
        reranker_in(file)
