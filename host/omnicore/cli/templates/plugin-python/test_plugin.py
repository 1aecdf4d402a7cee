import pytest
from omnicore_sdk.testing import FakeHost
from plugin import Person, greet, shout


def test_a_text_is_shouted():
    assert shout("hello") == "HELLO"


def test_the_word_comes_from_the_settings():
    with FakeHost(config={"greeting": "Good day"}):
        assert greet(Person("Ada")).greeting == "Good day, Ada!"


def test_a_blank_name_is_refused():
    with pytest.raises(ValueError, match="blank"):
        greet(Person(" "))
