"""The wall of the mapping: names of fields that no row may use, on either side, whatever their transform.

Names are judged by the words inside them, so that fields of a tenant's own extensions are caught as well.
"""

from __future__ import annotations

_LEDGER_WORDS = (
    "journal", "voucher", "balance", "posting", "posted", "invoice", "mainaccount", "payment", "bank", "giro",
    "creditcard", "settle", "iban", "swiftcode", "ledgeraccount",
)  # fmt: skip
_PERSONAL_WORDS = (
    "birth",
    "marital",
    "passport",
    "governmentid",
    "socialsecurity",
    "nationalregistry",
    "childrennames",
)
# Numbers of a person by the law of one country; the names tell only people who live there.
_GOVERNMENT_IDS = frozenset(
    name.lower()
    for name in (
        "IdentificationNumber", "CURPNumber", "ForeignerId", "PANNumber", "PANReferenceNumber", "PanStatus",
        "BrazilianCNPJOrCPF", "AddressBrazilianCNPJOrCPF", "BrazilianNIT", "BrazilianINSSCEI", "FiscalCode",
        "RFCNumber",
    )
)  # fmt: skip
_TAX_WORDS = ("tax",)
# What a person has agreed to, on HubSpot's side: hs_legal_basis, hs_email_optout_123, hs_marketable_status.
_CONSENT_WORDS = (
    "consent", "legalbasis", "gdpr", "optout", "optin", "unsubscri", "subscription", "marketable",
)  # fmt: skip
# The payer's account number and the names of payment terms are master data, not bookings.
_ALLOWED = frozenset(
    name.lower()
    for name in ("InvoiceAccount", "PaymentTerms", "PaymentTermsName", "InvoiceCustomerAccountNumber")
)


def refused_field(name: str) -> str:
    """Why a field of F&O may not be mapped, or ``""``."""
    word = name.replace("_", "").lower()
    if word in _ALLOWED:
        return ""
    if any(part in word for part in _LEDGER_WORDS):
        return "it holds ledger, invoice, payment or bank data, which never passes through the connector"
    if word in _GOVERNMENT_IDS or any(part in word for part in _PERSONAL_WORDS):
        return "it holds a birth date, an official number or the family of a person, which is never moved"
    return ""


def refused_target(object_type: str, name: str) -> str:
    """Why a property of HubSpot may not be filled by a mapping, or ``""``."""
    if object_type != "contacts":
        return ""
    word = name.replace("_", "").lower()
    if any(part in word for part in _CONSENT_WORDS):
        return "it holds what a person has agreed to or subscribed, which only that person decides"
    if any(part in word for part in _PERSONAL_WORDS):
        return "it holds a birth date, an official number or the family of a person, which is never moved"
    return ""


def refused_order_field(name: str) -> str:
    """The same for a field of a sales order; F&O alone computes tax, and tax fields are never written."""
    if name != "ArePricesIncludingSalesTax" and any(part in name.lower() for part in _TAX_WORDS):
        return "it decides on tax, which Dynamics alone computes"
    return refused_field(name)
