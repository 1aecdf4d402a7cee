"""One file for a noun. Where a rule does not hold everywhere yet, what is left may only fall."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.architecture import nouns
from tests.architecture.source import package, read

LEFT = {
    nouns.check_attributes: 4,
    nouns.check_class_names: 2,  # `omega.Memory` and `omega.HealthReport`: names of the source texts
    nouns.check_file_names: 0,
    nouns.check_openings: 0,
}
PLANTED = {
    nouns.check_attributes: "class A:\n" + "".join(f"    def f{n}(self):\n        self.a{n} = 1\n" for n in range(16)),
    nouns.check_class_names: "class Planted:\n    pass\n",
    nouns.check_openings: "def f():\n    '''Whether it is.'''\n",
}


@pytest.mark.parametrize("rule", LEFT, ids=lambda rule: rule.__name__)
def test_no_fault_is_added(rule) -> None:
    found = rule(package())
    assert len(found) <= LEFT[rule], "\n".join(found)


def test_the_number_of_modules_is_bounded_and_one_in_ten_has_a_single_importer() -> None:
    # The house was brought to 400; the 40 are for nouns that came since, such as the packages that plugins travel in.
    assert len(package()) <= 440
    found = nouns.check_importers(package())
    assert len(found) * 10 <= len(package()), "\n".join(found)


@pytest.mark.parametrize("rule", PLANTED, ids=lambda rule: rule.__name__)
def test_a_planted_fault_is_found(rule, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(PLANTED[rule])
    assert rule(read(tmp_path))


def test_a_file_is_excepted_from_having_one_importer_by_its_place_in_a_registry_alone(tmp_path: Path) -> None:
    room = tmp_path / "omnicore" / "capabilities"
    room.mkdir(parents=True)
    for name in ("door", "helper"):
        (room / f"{name}.py").write_text("DOOR = 1\n")
    (room / "doors.py").write_text(
        "from omnicore.capabilities import door, helper\nDOORS = (door.DOOR,)\nUSED = helper.DOOR\n"
    )
    found = nouns.check_importers(read(tmp_path / "omnicore"))
    assert [finding for finding in found if "door.py" in finding] == []
    assert any("helper.py" in finding for finding in found)


def test_a_file_that_a_registry_names_by_text_is_excepted_too(tmp_path: Path) -> None:
    room = tmp_path / "omnicore" / "api"
    room.mkdir(parents=True)
    (room / "pets.py").write_text("def list_pets():\n    pass\n")
    (room / "operations.py").write_text("from omnicore.api import pets\nTABLE = ('pets.list_pets',)\n")
    assert not any("pets.py" in finding for finding in nouns.check_importers(read(tmp_path / "omnicore")))


@pytest.mark.parametrize(
    "text", ["LIMIT = 1\n'''How many there are.'''\n", "class A:\n    a: int\n    '''What it is.'''\n"]
)
def test_a_docstring_of_a_constant_or_an_attribute_says_what_it_is(text: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(text)
    assert len(nouns.check_openings(read(tmp_path))) == 1


def test_a_file_that_is_named_after_an_action_is_found(tmp_path: Path) -> None:
    (tmp_path / "claiming.py").write_text("")
    assert nouns.check_file_names(read(tmp_path))
