"""Display strings of financial dimensions: whatever the format, every position is kept, and nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.systems.dynamics.dimensions import DELIMITERS, DimensionFormat
from ml_connector.twin.dynamics.dimensions import join_segments, split_segments

VALUES = st.text(alphabet="A7.-_|~\\ ", max_size=4)
PLAIN = st.text(alphabet="A7 ä", max_size=4)
MARKS = st.sampled_from(sorted(DELIMITERS.values()))


def form_of(mark: str, positions: int) -> DimensionFormat:
    return DimensionFormat("F", tuple(f"D{place}" for place in range(positions)), mark)


@given(mark=MARKS, values=st.lists(PLAIN, min_size=1, max_size=9))
def test_plain_values_stand_at_their_positions(mark: str, values: list[str]) -> None:
    form = form_of(mark, len(values))
    text = form.join(values)
    assert text is not None
    assert form.split(text) == tuple(values)
    if any(values):
        assert text.count(mark) == len(values) - 1
        assert split_segments(text, mark) == values
    else:
        assert text == ""


@given(mark=MARKS, values=st.lists(VALUES, min_size=1, max_size=5))
def test_what_is_written_without_dynamics_can_be_read_in_one_way_only(mark: str, values: list[str]) -> None:
    """A value that could lend a character to a delimiter, or hides one, is left to F&O."""
    form = form_of(mark, len(values))
    text = form.join(values)
    if text is not None and any(values):
        assert text == join_segments(values, mark)  # as F&O writes it: nothing had to be escaped
        assert form.split(text) == tuple(values)
        from_the_right = [part[::-1] for part in text[::-1].split(mark[::-1])][::-1]
        assert from_the_right == values


@given(mark=MARKS, values=st.lists(VALUES, min_size=1, max_size=5), place=st.integers(0, 4), value=PLAIN)
def test_an_overlay_changes_its_own_position_only(
    mark: str, values: list[str], place: int, value: str
) -> None:
    form = form_of(mark, len(values))
    place %= len(values)
    before = form.split(join_segments(values, mark))
    if before is None:  # F&O's own string is not clear: such a default parks
        return
    after = [value if at == place else old for at, old in enumerate(before)]
    text = form.join(after)
    if text is not None:
        assert form.split(text) == tuple(after)


@pytest.mark.parametrize("text", ["A-B", "A-B-C-D", "-", "A"])
def test_a_string_of_another_format_is_not_read(text: str) -> None:
    assert form_of("-", 3).split(text) is None


def test_an_empty_string_has_every_position_empty() -> None:
    assert form_of("-", 3).split("") == ("", "", "")


@pytest.mark.parametrize(
    ("mark", "value"), [("-", "7-A"), ("-", "7\\"), ("--", "7--A"), ("--", "-7"), ("--", "7-"), ("||", "|")]
)
def test_values_that_dynamics_must_write(mark: str, value: str) -> None:
    assert form_of(mark, 2).join([value, ""]) is None


@given(mark=MARKS, values=st.lists(st.text(alphabet="A7.-_|~\\", max_size=4), min_size=1, max_size=4))
def test_escaped_values_are_read_as_dynamics_meant_them(mark: str, values: list[str]) -> None:
    """A value that only touches a doubled delimiter is not escaped; such a string is not told apart."""
    form = form_of(mark, len(values))
    touching = any(value[:1] == mark[0] or value[-1:] == mark[0] for value in values)
    if any(values) and (len(mark) == 1 or not touching):
        assert form.split(join_segments(values, mark)) == tuple(values)


def test_an_escaped_doubled_delimiter_is_read_whole() -> None:
    assert form_of("--", 2).split("7\\----B") == ("7--", "B")


def test_a_doubled_delimiter_leaves_the_single_character_alone() -> None:
    assert form_of("--", 2).join(["7-A", "B"]) == "7-A--B"
