"""Which events fit which filters, and what ties them together."""

from __future__ import annotations

from typing import Any

import pytest

from omnicore.errors import InvalidInput
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.language.graph import EventFilter
from omnicore.workflows.language.triggers import (
    check_attribute,
    correlated,
    event_correlation,
    literal_of,
    match,
    wait_correlation,
)

EVENT = {"id": "1", "source": "/shop", "type": "com.shop.order.placed", "data": {"order": 7, "sum": 80, "vip": True}}


def wanted(data: str | None = None, correlate: dict[str, Any] | None = None, **attributes: Any) -> EventFilter:
    tied = {name: (expression(one), expression(two) if two else None) for name, (one, two) in (correlate or {}).items()}
    return EventFilter(attributes, expression(data) if data else None, tied)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({}, True),
        ({"type": "com.shop.order.placed"}, True),
        ({"type": "com-shop-order-placed"}, False),
        ({"type": "com.shop.order"}, False),
        ({"type": "com\\.shop\\..*"}, True),
        ({"type": "shop.*"}, False),
        ({"type": "com.shop.order.(placed|paid)", "source": "/shop"}, True),
        ({"source": "/other"}, False),
        ({"subject": "x"}, False),
        ({"data": "${ .sum > 50 }"}, True),
        ({"data": "${ .sum > 500 }"}, False),
        ({"data": "${ .vip }"}, True),
        ({"data": "${ .order }"}, False),
        ({"data": "${ . }"}, True),
    ],
)
def test_an_event_fits_by_its_attributes_and_by_what_holds_for_its_data(given: dict[str, Any], fits: bool) -> None:
    assert match(EVENT, wanted(**given), {}) is fits


def test_a_dot_in_a_plain_type_is_a_dot() -> None:
    assert not match({**EVENT, "type": "comXshopXorderXplaced"}, wanted(type="com.shop.order.placed"), {})
    assert literal_of(wanted(type="a.b")) == "a.b"
    assert literal_of(wanted(type="a.*")) is None
    assert literal_of(wanted(source="a")) is None


@pytest.mark.parametrize("text", ["(a+)+", "(a|a)*", ".*.*.*.*x", "(", "a" * 300 + "*", "((a*)b)*c"])
def test_a_regular_expression_that_could_take_for_ever_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_attribute(text)


def test_events_belong_together_by_what_they_share() -> None:
    one = wanted(correlate={"order": (".data.order", None)})
    before = correlated(EVENT, one, {}, {})
    assert before == {"order": 7}
    assert correlated(EVENT, one, {}, before) == before
    assert correlated({**EVENT, "data": {"order": 8}}, one, {}, before) is None
    assert correlated({**EVENT, "data": {}}, one, {}, {}) is None


def test_what_is_expected_is_compared_and_found_by_its_text() -> None:
    one = wanted(correlate={"order": (".data.order", "$context.order")})
    assert correlated(EVENT, one, {"context": {"order": 7}}, {}) == {"order": 7}
    assert correlated(EVENT, one, {"context": {"order": 9}}, {}) is None
    assert wait_correlation([one], {"context": {"order": 7}}) == event_correlation(EVENT, one, {})
    assert wait_correlation([one], {"context": {"order": 9}}) != event_correlation(EVENT, one, {})
    assert wait_correlation([one, wanted(type="other")], {"context": {"order": 7}}) == ""
    assert wait_correlation([wanted(correlate={"order": (".data.order", None)})], {}) == ""
    long = wanted(correlate={"text": (".data.text", "$context.text")})
    assert len(wait_correlation([long], {"context": {"text": "x" * 5000}})) < 100
