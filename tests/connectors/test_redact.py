"""Secrets are found in every form that services and libraries write them, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.connectors.redaction import HIDDEN, Redactor

SECRET = 'pä ss/"w&rd\\<1>+\N{KEY}'
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]), min_size=6, max_size=40).filter(
    lambda text: len(set(text)) > 3 and text not in HIDDEN
)


def every_byte(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def every_second(text: str) -> str:
    return "".join(quote(one, safe="") if place % 2 else f"%{one.encode().hex()}" if one.isascii() else one
                   for place, one in enumerate(text))  # fmt: skip


def escaped(text: str) -> str:
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4].upper()}" for at in range(0, len(units), 4))


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: quote(text, safe="").lower() if text == text.lower() else every_byte(text),
    "percent but slashes": quote,
    "percent with plus": quote_plus,
    "percent everywhere": every_byte,
    "percent here and there": every_second,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 behind one": lambda text: base64.b64encode(b"u" + text.encode() + b"behind").decode(),
    "base64 behind two": lambda text: base64.urlsafe_b64encode(b"u:" + text.encode()).decode(),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"key": text})}),
    "JSON as it is": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON escapes": escaped,
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML in base 16": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "HTML in a URL": lambda text: quote(html.escape(text), safe=""),
}


def survives(secret: str, shown: str, form: Callable[[str], str]) -> bool:
    core = form(secret).strip('"=')
    return secret in shown or core in shown


@pytest.mark.parametrize("name", FORMS)
def test_a_secret_is_found_in_this_form(name: str) -> None:
    redactor, form = Redactor([SECRET]), FORMS[name]
    shown = redactor.text(f"before {form(SECRET)} behind")
    assert HIDDEN in shown
    assert not survives(SECRET, shown, form)
    assert (shown[:7], shown[-7:]) == ("before ", " behind")
    assert redactor.holds(form(SECRET))


@given(SECRETS, PLAIN, PLAIN, st.sampled_from(sorted(FORMS)))
def test_no_secret_survives_in_any_form_in_any_text(secret: str, before: str, behind: str, name: str) -> None:
    form = FORMS[name]
    redactor = Redactor([secret])
    if len(secret.encode()) < 9 and name.startswith("base64"):
        return  # too short to be told from other texts' base64
    assert not survives(secret, redactor.text(before + " " + form(secret) + " " + behind), form)


@given(PLAIN)
def test_texts_without_a_secret_are_left_as_they_are(text: str) -> None:
    assert Redactor(["never-in-there-at-all"]).text(text) == text


@given(st.lists(SECRETS, max_size=3), PLAIN)
def test_what_was_hidden_once_stays_as_it_is(secrets: list[str], text: str) -> None:
    redactor = Redactor(secrets)
    once = redactor.text(text.join(secrets))
    assert redactor.text(once) == once


def test_what_is_around_a_secret_stays() -> None:
    redactor = Redactor(["s3cr3t/key"])
    assert redactor.text("a=1&b=s3cr3t%2Fkey&c=%41") == f"a=1&b={HIDDEN}&c=%41"
    assert redactor.value({"k s3cr3t/key": ["x", 1, None]}) == {f"k {HIDDEN}": ["x", 1, None]}


def test_secrets_within_and_across_each_other_are_hidden_whole() -> None:
    assert Redactor(["abcd", "abcdefgh", "ghij-ghij"]).text("1 abcdefghij-ghij 2") == f"1 {HIDDEN} 2"
    assert Redactor(["abcabc"]).text("abcabcabc") == HIDDEN


def test_short_texts_are_no_secrets() -> None:
    assert Redactor(["abc", "", "redacted"]).text("abc redacted [redacted]") == "abc redacted [redacted]"


@pytest.mark.parametrize(
    "text", ["%25" * 700_000, "\\" * 2_000_000, "&#" * 1_000_000, "aaaa" * 500_000, "%" * 2_000_000]
)
def test_no_text_makes_it_slow(text: str) -> None:
    began = time.perf_counter()
    Redactor(["aaab/aaab", "%25%", "\\\\\\\\a"]).text(text)
    assert time.perf_counter() - began < 60
