"""Greets people."""

from dataclasses import dataclass

from omnicore_sdk import config, function


@dataclass
class Person:
    """Somebody to greet."""

    name: str


@dataclass
class Greeting:
    """The words for the person who is greeted."""

    greeting: str


@function
def shout(text: str) -> str:
    """The text in upper case."""
    return text.upper()


@function
def greet(person: Person) -> Greeting:
    """Greets a person by name, with the word from the settings."""
    if not person.name.strip():
        raise ValueError("the name is blank")
    return Greeting(f"{config.get('greeting') or 'Hello'}, {person.name}!")
