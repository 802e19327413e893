"""Which domain says who a company is."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.mapping.web import FREE_MAIL, SHARED_SITES, company_domain, email_address


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Lakeside-Pumps.example/en?x=1#top", "lakeside-pumps.example"),
        ("lakeside.example:8080/shop", "lakeside.example"),
        ("www.müller-söhne.de", "müller-söhne.de"),
        ("office@lakeside.example", "lakeside.example"),
        ("mailto:office@lakeside.example", "lakeside.example"),
        ("http://user:pw@lakeside.example/", "lakeside.example"),
        ("www.a.example; www.b.example", "a.example"),
        ("me@gmail.com, office@lakeside.example", "lakeside.example"),
        ("shop.lakeside.example.", "shop.lakeside.example"),
    ],
)
def test_a_web_or_mail_address_gives_the_companys_domain(text: str, domain: str) -> None:
    assert company_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "localhost", "http://192.168.0.7/", "joe@gmail.com", "joe@mail.yahoo.co.uk", "https://gmail.com",
     "facebook.com/lakeside", "https://lakeside.wixsite.com/home", "not a site", "a..example", "-x.example"],
)  # fmt: skip
def test_what_anybody_can_have_or_nobody_can_reach_is_no_domain(text: str) -> None:
    assert company_domain(text) is None


@settings(deadline=None)  # the first example builds tables, and the machine may be busy
@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    found = company_domain(text)
    assert found is None or company_domain(found) == found


def test_the_tables_hold_plain_domains() -> None:
    assert all(name == name.lower().strip(".") and "." in name for name in FREE_MAIL | SHARED_SITES)


@pytest.mark.parametrize(
    "text", ["", "@", "a@b", "a b@lakeside.example", "x@localhost", "two@a.example, three@b.example"]
)
def test_malformed_addresses_are_none(text: str) -> None:
    assert email_address(text) is None


_LOCALS = st.from_regex(r"[A-Za-z0-9._+\-]{1,12}", fullmatch=True)
_DOMAINS = st.one_of(
    st.from_regex(r"[a-z0-9.\-]{1,12}\.(?:com|example|de|test|local|invalid)", fullmatch=True),
    st.sampled_from(["contoso.com", "müller.de", "MUELLER.DE", "a..com", "-a.com", "localhost", "1.2.3.4"]),
)


@settings(max_examples=400)
@given(_LOCALS, _DOMAINS)
def test_a_plain_address_is_judged_as_the_library_judges_it(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    try:
        expected = validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        expected = None
    assert email_address(text) == expected
