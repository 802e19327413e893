"""The short way to an international number gives phonenumbers' own answer, or none."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml_connector.mapping.phone import full_international, international, plain_international

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
FORMATS = st.sampled_from(
    [
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
    ]
)
KINDS = st.sampled_from(
    [
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    ]
)


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A region and a number of some region, as people write it, at times with a wrong digit."""
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(draw(st.sampled_from([region, *REGIONS])), draw(KINDS))
    if example is None:
        return region, draw(st.from_regex(r"\A\+?[0-9(][0-9 ().-]{5,16}\Z"))
    written = phonenumbers.format_number(example, draw(FORMATS))
    at = draw(st.integers(0, len(written)))
    return region, written[:at] + draw(st.sampled_from(["", "", "0", "1", "7", "00", "/", " / "])) + written[
        at:
    ]


@settings(max_examples=1500, deadline=None)  # the first example builds tables, and the machine may be busy
@given(written_numbers())
def test_plain_numbers_get_the_answer_phonenumbers_gives(written: tuple[str, str]) -> None:
    region, number = written
    short = plain_international(number, region)
    if short is not None:
        assert (short, "") == full_international(number, region)


@settings(max_examples=500, deadline=None)  # the first example builds tables, and the machine may be busy
@example("953-1754", "CA")  # seven digits are a number inside Canada, and none from abroad
@example("011 15-2345-6789", "AR")  # Argentina moves digits about
@example("1 206 555 0134", "US")
@example("+(......", "US")
@example("00/////", "DE")
@given(st.from_regex(r"\A(\+|00|0|1)?[0-9(][0-9 ()./-]{5,16}\Z"), st.sampled_from([None, "ZZ", *REGIONS]))
def test_digits_at_random_get_the_same_answer_too(number: str, region: str | None) -> None:
    short = plain_international(number, region)
    if short is not None:
        assert (short, "") == full_international(number, region)


@settings(max_examples=500, deadline=None)  # the first example builds tables, and the machine may be busy
@example(("US", "1-505-555-0130"), " ext. ", "325")
@given(written_numbers(), st.sampled_from([" x", " x ", " ext. ", " ext."]), st.from_regex(r"\A[0-9]{1,6}\Z"))
def test_plain_extensions_are_read_as_phonenumbers_reads_them(
    written: tuple[str, str], word: str, extension: str
) -> None:
    region, number = written
    whole = f"{number}{word}{extension}"
    dialled, inner = full_international(whole, region)
    assert international(whole, region) == (f"{dialled} ext. {inner}" if inner else dialled)


@pytest.mark.parametrize("number", ["(206) 555-0134", "+49 30 901820", "+12065550134"])
def test_usual_numbers_take_the_short_way(number: str) -> None:
    assert plain_international(number, "US") is not None
    assert plain_international("030 901820", "DE") == "+4930901820"
    assert plain_international("0049 30 / 901820", "DE") == "+4930901820"
    assert plain_international("1-505-555-0130", "US") == "+15055550130"


@pytest.mark.parametrize("extension", ["", "5", "ext 42"])
def test_what_was_stored_of_each_regions_numbers_is_stored_the_same_when_it_comes_back(
    extension: str,
) -> None:
    for region in REGIONS:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
        if example is not None:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
            once = international(number, region, extension=extension)
            assert once is not None, number
            assert once.endswith(extension[-2:].strip())
            assert international(once, region) == once


def test_an_extension_nobody_can_dial_is_left_out() -> None:
    assert international("+12065550134", "US", extension="1234567890123") == "+12065550134"
