"""Text as it is stored, cut, compared; keys stay as they are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.text import cut, did_you_mean, fold, key_problem, length, nearest, normalise

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates and zero bytes included
BREAKS = st.sampled_from([" ", ", ", "\n"])


@given(ANY_TEXT, BREAKS)
def test_normalised_text_is_nfc_and_can_be_stored(text: str, line_break: str) -> None:
    clean = normalise(text, line_break=line_break)
    clean.encode()
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == clean.strip()
    controls = {character for character in clean if unicodedata.category(character) in ("Cc", "Cs")}
    assert controls <= ({"\n"} if line_break == "\n" else set())


@given(ANY_TEXT, BREAKS)
def test_normalising_twice_changes_nothing(text: str, line_break: str) -> None:
    once = normalise(text, line_break=line_break)
    assert normalise(once, line_break=line_break) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mu\u0308ller", "Müller"),
        ("a\x00b\ud800c\u200bd", "abcd"),
        ("Main St 1\r\n\r\n  Hall 2\n", "Main St 1 Hall 2"),
        ("tab\there", "tab here"),
        ("👩\u200d🔧 שלום", "👩\u200d🔧 שלום"),
        ("  two  blanks stay ", "two  blanks stay"),
    ],
)
def test_what_people_wrote_survives_and_what_nobody_sees_goes(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_lines_can_become_a_comma_or_stay() -> None:
    assert normalise("Hall 2\r\nGate 4\n", line_break=", ") == "Hall 2, Gate 4"
    assert normalise("one\r\n\r\ntwo\u2028three", line_break="\n") == "one\n\ntwo\nthree"


def test_a_key_is_only_refused_when_it_cannot_be_stored_as_it_is() -> None:
    assert key_problem("usmf: 0042 ") == ""
    assert key_problem("usmf:Mu\u0308ller") == ""
    assert key_problem("usmf:4\n2") == "it holds control characters"
    assert key_problem("usmf:\ud800") == "it holds control characters"
    assert key_problem("  ") == "it is empty"


@given(st.text(), st.integers(min_value=1, max_value=30))
def test_a_cut_text_fits_and_begins_as_the_whole_did(text: str, max_length: int) -> None:
    short = cut(text, max_length)
    assert length(short) <= max_length
    assert text.startswith(short)


def test_a_cut_takes_no_letter_from_its_accent_and_no_half_of_a_pair() -> None:
    assert cut("abce\u0301", 4) == "abc"
    assert cut("ab😀", 3) == "ab"
    assert cut("ab👩\u200d🔧", 5) == "ab"
    assert cut("abc def", 4) == "abc"


def test_texts_people_read_as_equal_fold_to_the_same() -> None:
    assert fold("  STRASSE\u00a01 ") == fold("straße 1")
    assert fold("Mu\u0308ller") == fold("MÜLLER")
    assert fold("Muller") != fold("Müller")


def test_a_slip_of_the_keyboard_is_recognised_and_a_foreign_word_is_not() -> None:
    assert nearest("OrganisationName", ["OrganizationName", "NameAlias"]) == "OrganizationName"
    assert did_you_mean("phonne", ["phone", "text"]) == " Did you mean 'phone'?"
    assert did_you_mean("xyzzy", ["phone", "text"]) == ""
