"""0.6 The ledger wall from outside: what both systems see of every flow, and a mapping that reaches for the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ml_connector.app.flow_switch import STATEMENTS, enable
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from tests.flows.crawling import edit_mapping
    from tests.flows.office import Office
    from tests.flows.selling import ITEM, approved, sellable, sold

    from ml_connector.twin.wire import Request
else:
    from crawling import edit_mapping  # pytest puts this folder on the path
    from selling import ITEM, approved, sellable, sold

WRITABLE = {  # as the rule lists them; what only reads is left out below
    "dynamics": r"POST /data/(CustomersV3|SalesOrderHeadersV2|SalesOrderLinesV3)|PATCH /data/CustomersV3\(.*\)",
    "hubspot": r"(POST|PATCH) /crm/objects/2026-03/(companies|contacts|products)/(batch/(upsert|update)|\d+)"
    r"|(POST|PATCH) /crm/objects/2026-03/deals/(batch/update|\d+)"
    r"|POST /crm/associations/2026-03/contacts/companies/batch/create"
    r"|POST /crm/properties/2026-03/[a-z_]+(/groups)?",
}
ONLY_READS = {
    "dynamics": r"GET /data/.*|POST /[^/]+/oauth2/v2\.0/token",
    "hubspot": r"GET /.*|POST .*/(search|batch/read)|POST /oauth/v2/private-apps/get/access-token-info",
}


async def test_whatever_the_flows_do_only_what_is_listed_arrives_and_no_delete_ever(office: Office) -> None:
    """Customers, contacts, products, an order, its status, a change, a mark: by method and path, on both sides."""
    asked: dict[str, set[str]] = {"dynamics": set(), "hubspot": set()}

    def note(side: str, request: Request, _at: datetime) -> None:
        if request.headers.get("user-agent") == "ml-connector":
            asked[side].add(f"{request.method} {request.path}")

    for shell in office.twins.pair.shells.values():
        shell.on_request.append(note)
    await office.customer("usmf:US-009", PrimaryContactEmail="ada@alder.example")
    await sellable(office)
    await enable(office.at, ["contacts"], confirmed=STATEMENTS)
    deal = await sold(office, (ITEM, {}))
    await office.sync("contacts")
    await approved(office, deal)
    await office.sync("order_status")
    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="Alder Mills")
    office.twins.pair.remove("CustomersV3", "usmf:US-009")
    for _ in range(2):
        await office.sync("customers", "contacts")
    assert office.companies()["usmf:US-009"]["d365_status"] == "Not in Dynamics"

    written = {
        side: {call for call in calls if not re.fullmatch(ONLY_READS[side], call)}
        for side, calls in asked.items()
    }
    for side, calls in written.items():
        assert [call for call in calls if not re.fullmatch(WRITABLE[side], call)] == []
    assert written["dynamics"] == {"POST /data/SalesOrderHeadersV2", "POST /data/SalesOrderLinesV3"}
    assert {"companies", "contacts", "products", "deals"} <= {
        found[1] for call in written["hubspot"] if (found := re.search(r"/2026-03/([a-z_]+)", call))
    }


LEDGER, PERSONAL = "ledger, invoice, payment or bank data", "birth date, an official number or the family"
REFUSED = {
    "LedgerJournalNumber": LEDGER, "OpenBalance": LEDGER, "PostingProfile": LEDGER, "InvoiceDate": LEDGER,
    "DefaultMainAccount": LEDGER, "PaymentMethod": LEDGER, "BankAccountId": LEDGER, "PersonBirthYear": PERSONAL,
    "PassportNumber": PERSONAL, "PersonMaritalStatus": PERSONAL,
}  # fmt: skip


async def test_mapping_refuses_ledger_data_as_a_source_and_birth_government_id_and_marital_fields(
    office: Office,
) -> None:
    """Journals, balances, postings, invoices, main accounts, payments, bank: before F&O is asked for a single row."""
    await office.customer("usmf:US-001")
    asked = office.calls("dynamics")
    mark = office.mark()
    row, before = "  - target: city\n    source: {}\n", "AddressCity"
    for source, why in REFUSED.items():
        edit_mapping(office, row.format(before), row.format(source))
        before = source
        with pytest.raises(
            ConfigurationError, match=rf"customers\.yaml, line \d+: {source} is refused: .*{why}"
        ):
            await office.sync("customers")
    assert not any("/data/CustomersV3" in target for target in asked)
    assert office.writes(mark) == []
