"""URLs are read the way browsers read them, so that no second reading finds another host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.connectors.addresses import Url, join, parse_host, parse_url
from omnicore.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7F000001", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("１２７。０。０。１", "127.0.0.1"),
        ("%31%32%37.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("EXAMPLE.Com", "example.com"),
        ("localhost.", "localhost."),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("☃.net", "xn--n3h.net"),
        ("[::1]", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        ("[2001:DB8::A]", "[2001:db8::a]"),
        ("under_score.example", "under_score.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
    ],
)
def test_a_host_has_one_form(written: str, meant: str) -> None:
    assert parse_host(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", ".", "a..b", "a b", "a<b", "a%00b", "a%2fb", "a%40b", "a%3a80", "%ff", "a\\b"),
        *("256.1.1.1", "1.2.3.4.5", "1.2.3.256", "4294967296", "09.1", "a.0x", "foo.1", "1..2"),
        *("[::1", "[::1%eth0]", "[1.2.3.4]", "[::1]x", "[]", "faß.example", "a\u200db.example", "x" * 255),
        *("ä" * 64 + ".example",),
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput, match=r"host"):
        parse_host(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://example.com", Url("http", "example.com", 80, "/")),
        ("https://example.com", Url("https", "example.com", 443, "/")),
        ("HTTP://Example.com:8080/a?b#c", Url("http", "example.com", 8080, "/a?b")),
        ("http://good.example@127.1:81/", Url("http", "127.0.0.1", 81, "/")),
        ("http://a@b@c/", Url("http", "c", 80, "/")),
        ("http://good.example:80@evil.example/", Url("http", "evil.example", 80, "/")),
        ("http:\\\\evil.example\\@good.example", Url("http", "evil.example", 80, "/@good.example")),
        ("http:evil.example", Url("http", "evil.example", 80, "/")),
        ("http:////evil.example", Url("http", "evil.example", 80, "/")),
        ("http://evil.example#@good.example/", Url("http", "evil.example", 80, "/")),
        ("http://evil.example?@good.example/", Url("http", "evil.example", 80, "/?@good.example/")),
        ("http://h:/", Url("http", "h", 80, "/")),
        ("  http://h/  ", Url("http", "h", 80, "/")),
        ("http://h/ä b%20<", Url("http", "h", 80, "/%C3%A4%20b%20%3C")),
        ("http://[::1]:8080/", Url("http", "[::1]", 8080, "/")),
    ],
)
def test_an_absolute_url_is_read(written: str, meant: Url) -> None:
    assert parse_url(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", "example.com", "/path", "//example.com", "ftp://h/", "file:///etc/passwd", "javascript:1"),
        *(
            "http://",
            "http:///",
            "http://h:x/",
            "http://h:65536/",
            "http://h:123456/",
            "http://[::1",
            "http://:80/",
        ),
        *("http://h/\r\nX: y", "http://h\t/", "http://h/\x00", "\nhttp://h/", "http://h/" + "x" * 8192),
        *("http://h/\ud800", "data:text/plain,x", "https+unix://x/"),
    ],
)
def test_what_is_no_absolute_http_url_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        parse_url(written)


@pytest.mark.parametrize(
    ("location", "meant"),
    [
        ("/x", "http://h:81/x"),
        ("x", "http://h:81/a/x"),
        ("../../x", "http://h:81/x"),
        ("?q", "http://h:81/a/b?q"),
        ("//evil.example/x", "http://evil.example/x"),
        ("\\\\evil.example\\x", "http://evil.example/x"),
        ("https://other.example:444/", "https://other.example:444/"),
        ("http://2130706433/", "http://127.0.0.1/"),
    ],
)
def test_a_redirect_leads_where_a_browser_would_go(location: str, meant: str) -> None:
    assert str(join(parse_url("http://h:81/a/b?c"), location)) == meant


@pytest.mark.parametrize("location", ["ftp://h/", "data:,x", "http://[bad/", "http://h:x/", "\x00"])
def test_a_redirect_to_anything_else_is_refused(location: str) -> None:
    with pytest.raises(InvalidInput):
        join(parse_url("http://h/"), location)


def test_the_authority_leaves_the_default_port_out() -> None:
    assert parse_url("https://h:443/").authority == "h"
    assert parse_url("http://h:443/").authority == "h:443"


@given(st.text(max_size=40))
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    try:
        url = parse_url("http://" + text)
    except InvalidInput:
        return
    assert parse_url(str(url)) == url
    assert str(url).isascii()
    assert not any(mark in str(url) for mark in " \r\n\t\\")
