"""The HubSpot machine: one request in, one answer out, everything in memory and instant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.account import Account
from ml_connector.twin.hubspot.calculated import CALCULATORS, PERSON
from ml_connector.twin.hubspot.calls import Call, answer, is_id, may_associate
from ml_connector.twin.hubspot.endpoints import make_routes
from ml_connector.twin.hubspot.errors import ApiError, expired, missing_scopes, unauthenticated
from ml_connector.twin.hubspot.limits import SECONDLY, Exceeded, Limits
from ml_connector.twin.hubspot.oauth import AppAccess, OAuthApp
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.pipelines import stage_in
from ml_connector.twin.hubspot.portal import Portal
from ml_connector.twin.hubspot.quotes import make_quote
from ml_connector.twin.hubspot.routing import Found, Router, endpoints, scopes_for
from ml_connector.twin.hubspot.settings import Settings
from ml_connector.twin.hubspot.values import stamp
from ml_connector.twin.hubspot.versions import VERSIONS
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.evidence import Endpoint
    from ml_connector.twin.hubspot.oauth import Token
    from ml_connector.twin.hubspot.store import Record, Table
    from ml_connector.twin.wire import Request
    from ml_connector.twin.world.model import Deal, World

LONGEST_TARGET = 8_192  # longer request lines are answered 414
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class HubSpotMachine:
    """One portal behind the CRM API.

    Args:
        world: What the portal starts from: owners, pipelines, currencies and open deals.
        rng: Draws ids and the order of batch results.
        new_id: Makes correlation ids.
        switches: Chosen behaviour where nobody outside knows HubSpot's, see ``SWITCHES``.
        limit: (calls, seconds) of the sliding window; (0, 0) is no limit.
        token: The only bearer token that is accepted.
        portal_id: The account's id.
        now: When the portal starts.
        app: The OAuth app the portal has installed; None when there is none.
    """

    side = "hubspot"

    def __init__(
        self,
        world: World,
        *,
        rng: random.Random,
        new_id: Callable[[], str],
        switches: Mapping[str, str],
        limit: tuple[int, float],
        token: str,
        portal_id: int,
        now: datetime,
        app: OAuthApp | None = None,
    ) -> None:
        settings = Settings(switches)
        self.portal = Portal(world, rng=rng, settings=settings, portal_id=portal_id, now=now)
        self.limits = Limits(limit, settings)
        self.account = Account(self.portal, self.limits, token)
        self.app = app or OAuthApp(AppAccess("", "", ""), new_id=new_id, settings=settings)
        self._router = Router(make_routes(self.account, self.app))
        self._new_id = new_id
        self._retry_after = settings["hubspot_retry_after"]
        self.world_deals: dict[int, Deal] = self._load_deals(world.deals, now)

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Refuse a wrong token (401), a full quota (429) or a missing scope (403); count everything else."""
        found = self._router.find(request.method, request.raw_path)
        if found is not None and found.route.access == "open":
            return None
        token = self._token(request)
        if token is not None and not token.live(now):
            refused = expired(self.portal.settings["expired_token"])
            return self._refusal(refused, request, found, now)
        if token is None and request.headers.get("authorization") != f"Bearer {self.account.token}":
            return self._refusal(unauthenticated(), request, found, now)
        pool = found.route.pool if found else "plain"
        exceeded = self.limits.arrive(pool, now, oauth=token is not None)
        if exceeded is not None:
            return self._throttled(exceeded, request, found, now)
        if found is not None:
            needed = scopes_for(found)
            held = self.account.scopes if token is None else token.scopes
            if needed and not held.intersection(needed):
                return self._refusal(missing_scopes(needed), request, found, now)
        return None

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request; what it changes is changed when this returns."""
        self.portal.arrive(now)
        found = self._router.find(request.method, request.raw_path)
        if len(request.target) > LONGEST_TARGET:
            return self._refusal(ApiError(414, "URI Too Long", None), request, found, now)
        if found is None:
            return self._refusal(self._nowhere(request), request, found, now)
        for_user = self.app.user_level and self._token(request) is not None
        call = Call(self.portal, found.version, request, found.args, for_user=for_user)
        try:
            if found.route.access == "links-write":
                may_associate(call)
            made = found.route.operation(call)
        except ApiError as refused:
            return self._refusal(refused, request, found, now)
        return self._finish(made, request, found, now)

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint the portal has, under every form of its path."""
        return endpoints(self._router.routes)

    def counts(self) -> dict[str, int]:
        """Live records by plural type name."""
        return {name: len(table.live) for name, table in self.portal.tables.items()}

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Live records of one type in id order, with every value and association.

        Raises:
            LookupError: There is no such object type.
        """
        table = self._table(of)
        start = int(after) + 1 if after else 0
        page, following = table.page(start, limit, archived=False)
        printed = [self._truth(table, record) for record in page]
        return printed, str(page[-1].id) if following is not None else None

    def edit(self, of: str, key: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Change one record as a person in HubSpot would.

        Raises:
            LookupError: There is no such object type or record.
            ValueError: A value that HubSpot refuses, with its sentence.
        """
        self.portal.arrive(now, PERSON)
        table = self._table(of)
        record = table.get(int(key)) if is_id(key) else None
        if record is None:
            raise LookupError(f"There is no {table.kind.singular} {key} in the portal.")
        given = {name: value if value is None else str(value) for name, value in fields.items()}
        try:
            draft = self.portal.draft_update(table, record, given, VERSIONS["v3"], {})
        except ApiError as refused:
            raise ValueError(refused.message) from refused
        self.portal.commit(draft, PERSON)

    def make_quote(self, deal_id: str, now: datetime, *, status: str, accepted: bool) -> str:
        """Quote a deal as it stands; returns the quote's id.

        Raises:
            LookupError: There is no such deal.
            ValueError: A status that quotes do not have.
        """
        self.portal.arrive(now)
        deal = self.portal.tables["deals"].get(int(deal_id)) if is_id(deal_id) else None
        if deal is None:
            raise LookupError(f"There is no deal {deal_id} in the portal.")
        return make_quote(self.portal, deal, now, status=status, accepted=accepted)

    def set_deal_stage(self, deal_id: str, stage: str, now: datetime) -> None:
        """Move a deal to a stage of its pipeline, by id or label; ``won`` is the one that closes it as won.

        Raises:
            LookupError: There is no such deal or stage.
        """
        table = self.portal.tables["deals"]
        record = table.get(int(deal_id)) if is_id(deal_id) else None
        if record is None:
            raise LookupError(f"There is no deal {deal_id} in the portal.")
        pipeline = self.portal.pipelines.all[record.properties["pipeline"]]
        chosen = stage_in(pipeline, stage)
        fields = {"dealstage": chosen.id}
        if chosen.closed:
            fields["closedate"] = stamp(now)
        self.edit("deals", deal_id, fields, now)

    def _load_deals(self, deals: tuple[Deal, ...], now: datetime) -> dict[int, Deal]:
        portal, table = self.portal, self.portal.tables["deals"]
        owners = {owner.email: owner.id for owner in portal.owners}
        loaded = {}
        for deal in deals:
            pipeline = portal.pipelines.named(deal.pipeline)
            given = {
                "dealname": deal.name,
                "pipeline": pipeline.id,
                "dealstage": stage_in(pipeline, deal.stage).id,
                "deal_currency_code": deal.currency,
                "closedate": stamp(now + timedelta(days=deal.close_in_days)),
                "hubspot_owner_id": owners.get(deal.owner_email),
            }
            record = portal.commit(portal.draft_create(table, given, VERSIONS["v3"], {}), PERSON)
            loaded[record.id] = deal
        return loaded

    def _table(self, of: str) -> Table:
        kind = object_type(of)
        if kind is None:
            raise LookupError(f"HubSpot has no object type {of!r}; it has {', '.join(self.portal.tables)}.")
        return self.portal.tables[kind.name]

    def _truth(self, table: Table, record: Record) -> dict[str, Any]:
        portal = self.portal
        computed = {
            name: value
            for name, calculate in CALCULATORS[table.kind.name].items()
            if (value := calculate(portal, record)) is not None
        }
        linked = {
            target: [{"id": str(i), "types": sorted(t)} for i, t in found.items()]
            for target in portal.tables
            if (found := portal.links.of(table.kind.name, record.id, target))
        }
        return {
            "id": str(record.id),
            "properties": record.properties | computed,
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "archived": False,
            "associations": linked,
        }

    def _token(self, request: Request) -> Token | None:
        """The OAuth token a request carries, when it is one of the app's."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        return self.app.token(text) if scheme == "Bearer" else None

    def _nowhere(self, request: Request) -> ApiError:
        """What a path without an endpoint, or a method the path does not have, is answered with."""
        if self._router.methods(request.raw_path) and self.portal.settings["wrong_method"] == "405":
            return ApiError(405, "HTTP 405 Method Not Allowed", None)
        return ApiError(404, "resource not found", None)

    def _throttled(self, exceeded: Exceeded, request: Request, found: Found | None, now: datetime) -> Answer:
        body = {
            "status": "error",
            "message": exceeded.message,
            "errorType": "RATE_LIMIT",
            "correlationId": self._new_id(),
            "policyName": exceeded.policy,
            "requestId": self._new_id(),
        }
        if exceeded is SECONDLY:
            body["policyName"] = self.portal.settings["search_policy"]
        if self.portal.settings["rate_limit_body"] == "category":
            del body["errorType"]
            body["category"] = "RATE_LIMITS"
        made = answer(429, body, _untouched(request, found))
        made.throttled = True
        if self._retry_after != "none":
            made.headers["Retry-After"] = self._retry_after
        return self._finish(made, request, found, now)

    def _refusal(self, refused: ApiError, request: Request, found: Found | None, now: datetime) -> Answer:
        made = answer(refused.status, refused.body(self._new_id()), _untouched(request, found))
        return self._finish(made, request, found, now)

    def _finish(self, made: Answer, request: Request, found: Found | None, now: datetime) -> Answer:
        pool = found.route.pool if found else "plain"
        made.headers.update(self.limits.headers(pool, now, oauth=self._token(request) is not None))
        made.headers["x-hubspot-correlation-id"] = self._new_id()
        return made


def _untouched(request: Request, found: Found | None) -> Written | None:
    """A refused write has touched nothing; a refused read is no write."""
    if request.method in _READS or (found is not None and found.route.reads):
        return None
    key = found.args.get("id") or found.args.get("name") if found else None
    return Written((key,) if key else (), committed=False)
