"""Phone numbers in international notation (E.164), with their extension.

``phonenumbers`` decides. Most numbers are plain digits with the usual punctuation, though, and for those its
own rules (country code, trunk prefix, lengths) are applied here directly, ten times as fast: a load asks for
hundreds of thousands. Whatever is less than plain takes the long way; tests hold the two to the same answers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

_DIGITS_OF_EXTENSION = 11  # more cannot be dialled, and phonenumbers would not read it back
_PLAIN = re.compile(r"\+?[0-9(][0-9 ()./-]{6,28}")
_PLAIN_EXTENSION = re.compile(r"(.*[0-9]) (?:x|ext\.) ?([0-9]{1,6})")
_PUNCTUATION = str.maketrans("", "", "+ ()./-")
_LONGEST_COUNTRY_CODE = 3


def international(number: str, region: str | None, *, extension: str = "") -> str | None:
    """A number as ``+4930123456``, or ``+4930123456 ext. 12``.

    Args:
        number: As people write it.
        region: Two-letter code of the record's country, for numbers written without a country code.
        extension: From a field of its own; one inside ``number`` wins.

    Returns:
        ``None`` when it is no number that could be dialled from abroad: words, a missing area code, an
        unknown country, two numbers in one field.
    """
    main, inner = _split_extension(number)
    dialled = plain_international(main, region)
    if dialled is None:
        dialled, inner = full_international(number, region)
    if dialled is None:
        return None
    inner = inner or (_dialable(extension) if extension else "")
    return f"{dialled} ext. {inner}" if inner else dialled


def full_international(number: str, region: str | None) -> tuple[str | None, str]:
    """E.164 and extension, by phonenumbers; ``None`` where it finds no possible number."""
    try:
        parsed = phonenumbers.parse(number, region)
    except NumberParseException:
        return None, ""
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return None, ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), parsed.extension or ""


def plain_international(number: str, region: str | None) -> str | None:
    """E.164 of a plainly written number; ``None`` where only phonenumbers can tell."""
    if not _PLAIN.fullmatch(number):
        return None
    digits = number.translate(_PUNCTUATION)
    if number[0] == "+":
        return _abroad(digits)
    rules = _rules(region) if region else None
    return _from_region(digits, rules) if rules else None


def _from_region(digits: str, rules: _Rules) -> str | None:
    """E.164 of digits as they are dialled in a region."""
    if (prefix := rules.leaves_country.match(digits)) is not None:
        return _abroad(digits[prefix.end() :])
    if digits.startswith(rules.country_code):
        return _after_own_country_code(digits, rules)
    return _national(digits, rules)


def _split_extension(number: str) -> tuple[str, str]:
    """A number and the extension behind it (``555-0134 x12``); ``""`` where there is none, or no plain one."""
    found = _PLAIN_EXTENSION.fullmatch(number)
    return (found[1], found[2]) if found else (number, "")


def _after_own_country_code(digits: str, rules: _Rules) -> str | None:
    """E.164 of digits that begin with the region's own country code, where they cannot mean anything else."""
    rest = digits.removeprefix(rules.country_code)
    if rules.numbers.fullmatch(digits) or not rules.numbers.fullmatch(rest):
        return None
    if rules.trunk_prefix and (prefix := rules.trunk_prefix.match(rest)) and prefix.end():
        return None
    return _national(rest, rules)


def _abroad(digits: str) -> str | None:
    """E.164 of digits that begin with a country code."""
    if not digits or digits[0] == "0":
        return None  # nothing but punctuation, or no country code
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions:
            rules = _rules(regions[0])
            return _national(digits[length:], rules) if rules else None
    return None


def _national(digits: str, rules: _Rules) -> str | None:
    """E.164 of digits without a country code: the trunk prefix taken off, the length possible."""
    prefix = rules.trunk_prefix.match(digits) if rules.trunk_prefix else None
    if prefix and prefix.end():
        digits = digits[prefix.end() :]
        if rules.rewrites or not rules.numbers.fullmatch(digits):
            return None
    return f"+{rules.country_code}{digits}" if len(digits) in rules.lengths else None


class _Rules(NamedTuple):
    """What phonenumbers knows of one region."""

    country_code: str
    leaves_country: re.Pattern[str]  # what is dialled before a country code
    trunk_prefix: re.Pattern[str] | None
    rewrites: bool  # whether digits change when the trunk prefix goes
    numbers: re.Pattern[str]
    lengths: frozenset[int]  # possible in the region and in the main region of its country code


@cache
def _rules(region: str) -> _Rules | None:
    """The rules of a region; ``None`` for one without. One entry a region, some 250."""
    own = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if own is None or own.country_code is None or not own.international_prefix or not own.general_desc:
        return None
    main_region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[own.country_code][0]
    main = phonenumbers.PhoneMetadata.metadata_for_region(main_region, None)
    prefix = own.national_prefix_for_parsing
    return _Rules(
        country_code=str(own.country_code),
        leaves_country=re.compile(own.international_prefix),
        trunk_prefix=re.compile(prefix) if prefix else None,
        rewrites=bool(own.national_prefix_transform_rule),
        numbers=re.compile(own.general_desc.national_number_pattern or ""),
        lengths=_lengths(own) & _lengths(main),
    )


def _lengths(metadata: phonenumbers.PhoneMetadata | None) -> frozenset[int]:
    """The lengths a number can have when dialled from anywhere."""
    if metadata is None or metadata.general_desc is None:
        return frozenset()
    desc = metadata.general_desc
    return frozenset(desc.possible_length) - frozenset(desc.possible_length_local_only)


def _dialable(extension: str) -> str:
    """The digits of an extension written in a field of its own (``12``, ``x12``, ``ext. 12``)."""
    digits = "".join(character for character in extension if character in "0123456789")
    return digits if len(digits) <= _DIGITS_OF_EXTENSION else ""
