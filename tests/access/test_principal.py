"""What somebody may do: each role what those before it may, and never more than the scopes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from omnicore.access.principal import Principal, Role
from omnicore.access.service import capped
from omnicore.storage.tables.access import HolderRow, TokenRow

ROLES = st.sampled_from(list(Role))
PLUGINS = st.dictionaries(st.sampled_from("abc"), ROLES, max_size=3)
TAGS = st.sampled_from(["calls", "plugins", "users"])
SCOPES = st.none() | st.frozensets(TAGS)
ABOUT = st.none() | st.sampled_from("abcd")
PEOPLE = st.builds(Principal, st.just("ada"), ROLES, st.just("session"), PLUGINS, SCOPES)


@given(PEOPLE, ROLES, TAGS, ABOUT)
def test_who_may_do_something_may_do_all_that_needs_less(
    one: Principal, needs: Role, tag: str, plugin: str | None
) -> None:
    if one.may(needs, tag=tag, plugin=plugin):
        assert all(one.may(less, tag=tag, plugin=plugin) for less in Role if less <= needs)


@given(PEOPLE, ROLES, TAGS, ABOUT)
def test_a_role_for_a_plugin_says_nothing_about_others(
    one: Principal, needs: Role, tag: str, plugin: str | None
) -> None:
    expected = one.role if plugin not in one.plugins else max(one.role, one.plugins[plugin])
    allowed = expected >= needs and (one.scopes is None or tag in one.scopes)
    assert one.may(needs, tag=tag, plugin=plugin) is allowed


@given(PEOPLE, TAGS, ABOUT)
def test_scopes_only_ever_take_away(one: Principal, tag: str, plugin: str | None) -> None:
    narrow = Principal(one.name, one.role, "token", one.plugins, frozenset())
    assert not any(narrow.may(needs, tag=tag, plugin=plugin) for needs in Role)


@given(ROLES, PLUGINS, ROLES, PLUGINS, ABOUT)
def test_a_token_is_never_stronger_than_its_owner_is_now(
    asked: Role, for_plugins: dict[str, Role], owners: Role, owners_plugins: dict[str, Role], plugin: str | None
) -> None:
    token = TokenRow(
        id="tok_1",
        name="ci",
        owner_id="usr_1",
        role=asked.word,
        created_at=0.0,
        plugins={name: one.word for name, one in for_plugins.items()},
    )
    owner = HolderRow("usr_1", "ada", owners.word, {name: one.word for name, one in owners_plugins.items()})
    found = capped(token, owner).role_for(plugin)
    whole = Principal("ada", owners, "session", owners_plugins).role_for(plugin)
    assert found == min(Principal("ci", asked, "token", for_plugins).role_for(plugin), whole)
