"""How much of a faulted run is kept when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from omnicore.workflows.retaking import taken_over


@dataclass(frozen=True)
class Row:
    seq: int
    place: str
    status: str
    fed: object = "{}"

    @property
    def path(self) -> str:
        return self.place


def rows(*said: str) -> list[Row]:
    """Each is `place status`; with a `!` at its end it was not fed."""
    parts = [[*one.rstrip("!").split(), one[-1:]] for one in said]
    return [
        Row(number, place, status, None if end == "!" else "{}") for number, (place, status, end) in enumerate(parts, 1)
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (("/do/0/a completed", "/do/1/b faulted"), 1),
        (("/do/0/a completed", "/do/1/b faulted!"), 1),
        (("/do/0/a faulted", "/do/1/b completed", "/do/2/c faulted"), 2),
        (("/do/0/a completed", "/do/1/b retried", "/do/1/b/retry fired", "/do/1/b retried", "/do/1/b faulted"), 1),
        (("/do/0/t/try/0/a faulted", "/do/0/t retried!", "/do/0/t/retry fired", "/do/0/t/try/0/a faulted"), 0),
        (("/do/0/a retried", "/do/0/a/retry fired", "/do/0/a completed", "/do/1/b faulted"), 3),
        (("/do/0/a retried", "/do/0/ab faulted"), 1),
        (("/do/0/a completed", "/do/1/b completed", "/do/2/c faulted", "/do/1/b/host/compensate/0/u completed"), 1),
        (
            (
                *("/do/0/a completed", "/do/1/b completed", "/do/2/c faulted"),
                *("/do/1/b/host/compensate/0/u completed", "/do/0/a/host/compensate/0/u faulted"),
            ),
            4,
        ),
    ],
)
def test_what_is_kept_ends_before_the_failure_and_before_what_was_undone(said: tuple[str, ...], kept: int) -> None:
    assert taken_over(rows(*said)) == kept
