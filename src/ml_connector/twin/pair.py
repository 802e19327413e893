"""Both twins over one world, without sockets: what the servers serve and what the simulation calls directly."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin import dynamics, entra, hubspot
from ml_connector.twin.dynamics_port import DynamicsPort
from ml_connector.twin.events import Events, no_way_out
from ml_connector.twin.hubspot import rep
from ml_connector.twin.hubspot.webhook_routes import WebhookSettings
from ml_connector.twin.hubspot_port import HubSpotPort
from ml_connector.twin.shell import TwinShell
from ml_connector.twin.world.build import build
from ml_connector.twin.writes import WriteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.deliveries import Send
    from ml_connector.twin.options import TwinOptions

_SECRET_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+/=~._-"  # noqa: S105  an alphabet


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs to be let in; the same for the same seed, so that a restarted twin is known again."""

    entra: entra.Credentials
    hubspot_token: str
    portal_id: int
    hubspot_app: hubspot.AppAccess


def make_access(seed: int) -> Access:
    """Invent credentials. The secret holds every letter that a careless client forgets to encode."""
    source = _source(seed, "access")
    tenant, client, key = (str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(3))
    letters = (_SECRET_LETTERS[int(source.random() * len(_SECRET_LETTERS))] for _ in range(32))
    portal = 40_000_000 + int(source.random() * 9_000_000)
    secret = "tw~" + "".join(letters) + "+/="
    app, app_secret, refresh = (str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(3))
    installed = hubspot.AppAccess(app, app_secret, f"na1-{refresh}")
    return Access(entra.Credentials(tenant, client, secret), f"pat-na1-{key}", portal, installed)


class Pair:
    """Both machines in their shells, over one world and one log of writes.

    Args:
        options: Size, behaviour and latency.
        clock: Tells the time.
        rng: Draws latencies; everything else is drawn from the seed.
        new_id: Makes ids of requests and faults.
        dynamics_url: Where F&O is reached, for absolute links and as Entra's resource; asked per request.
        send: Carries what the twins send by themselves to its receivers; without one nothing arrives.
    """

    def __init__(
        self,
        options: TwinOptions,
        *,
        clock: Callable[[], datetime],
        rng: random.Random,
        new_id: Callable[[], str],
        dynamics_url: Callable[[], str],
        send: Send = no_way_out,
    ) -> None:
        self.options = options
        self.access = make_access(options.seed)
        self.log = WriteLog()
        self._clock = clock
        self._new_id = new_id
        self._dynamics_url = dynamics_url
        self.entra = entra.Entra(
            self.access.entra,
            resource=dynamics_url,
            new_id=new_id,
            switches=options.behaviour(entra.SWITCHES),
        )
        self.events = Events(send=send, clock=clock)
        self.hubspot_app = hubspot.OAuthApp(
            self.access.hubspot_app,
            new_id=new_id,
            settings=hubspot.Settings(options.behaviour(hubspot.SWITCHES)),
        )
        self._load(options.seed)
        self.shells = {
            machine.side: TwinShell(
                machine,
                clock=clock,
                rng=rng,
                new_id=new_id,
                latency_s=options.latency_ms.get(machine.side, 0.0) / 1000,
                log=self.log,
            )
            for machine in (self.dynamics, self.hubspot_port)
        }

    def _load(self, seed: int) -> None:
        options, now = self.options, self._clock()
        self.world = build(
            seed,
            customers=options.customers,
            products=options.products,
            contacts_per_customer=options.contacts_per_customer,
            deals=options.deals,
            legal_entities=options.legal_entities,
        )
        machine = dynamics.DynamicsMachine(
            self.world,
            verify=self.entra.verify,
            rng=_source(seed, "dynamics"),
            new_id=self._new_id,
            base_url=self._dynamics_url,
            switches=options.behaviour(dynamics.SWITCHES),
            page_size=options.page_size,
            now=now,
        )
        self.dynamics = DynamicsPort(self.entra, machine)
        self.hubspot = hubspot.HubSpotMachine(
            self.world,
            rng=_source(seed, "hubspot"),
            new_id=self._new_id,
            switches=options.behaviour(hubspot.SWITCHES),
            limit=options.hubspot_limit,
            token=self.access.hubspot_token,
            portal_id=self.access.portal_id,
            now=now,
            app=self.hubspot_app,
        )
        self.events.attach(
            machine, self.hubspot, _source(seed, "events"), secret=self.access.hubspot_app.client_secret
        )
        self.hubspot_port = HubSpotPort(self.hubspot, WebhookSettings(self.events.app, self._new_id))
        self._rep = _source(seed, "rep")

    def reset(self, seed: int) -> None:
        """Start over with another world; credentials and issued tokens stay good, listeners stay.

        Receivers of events, and what was on its way to them, are forgotten.
        """
        self._load(seed)
        self.shells["dynamics"].replace(self.dynamics)
        self.shells["hubspot"].replace(self.hubspot_port)
        self.log.clear()

    def act(self, steps: int) -> list[str]:
        """Let the rep do up to so many things; returns a sentence for each."""
        return rep.act(self.hubspot, self._clock(), self._rep, steps)

    def quote(self, deal_id: str) -> list[str]:
        """Let the rep link one deal to its company and put its lines on it.

        Raises:
            LookupError: No such deal, or its company or products are not in the portal.
        """
        return rep.link_and_quote(self.hubspot, deal_id, self._clock())

    def make_quote(self, deal_id: str, *, status: str, accepted: bool) -> str:
        """Let the rep make a quote of a deal; LookupError and ValueError as the machine says."""
        return self.hubspot.make_quote(deal_id, self._clock(), status=status, accepted=accepted)

    def set_deal_stage(self, deal_id: str, stage: str) -> None:
        """Move a deal; LookupError when deal or stage is unknown."""
        self.hubspot.set_deal_stage(deal_id, stage, self._clock())

    def register_certificate(self, certificate: str) -> None:
        """Let the application sign in with this certificate; ValueError when the PEM text holds none."""
        self.entra.register(certificate)

    def make_certificate(self) -> entra.ClientCertificate:
        """Make the application a key and a certificate that Entra ID knows."""
        return self.entra.make_certificate(self._clock())

    def counts(self) -> dict[str, dict[str, int]]:
        """Records by set or object type, for each side."""
        return {"dynamics": self.dynamics.counts(), "hubspot": self.hubspot.counts()}

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Ground truth of one set or object type; LookupError when neither side has it."""
        side = self.dynamics if of in self.dynamics.counts() else self.hubspot
        return side.records(of, after=after, limit=limit)

    def edit(self, of: str, key: str, fields: Mapping[str, Any]) -> None:
        """Change a record as a person in that system would.

        Raises:
            LookupError: No such set, object type or record.
            ValueError: A field or value the system refuses.
        """
        side = self.dynamics if of in self.dynamics.counts() else self.hubspot
        side.edit(of, key, fields, self._clock())

    def act_on_order(self, act: str, legal_entity: str, number: str, how: Mapping[str, Any]) -> str:
        """Let people in F&O act on an order; returns its processing status.

        Raises:
            LookupError: No such order or line.
            ValueError: What F&O refuses, with its sentence.
        """
        return self.dynamics.act(act, legal_entity, number, how, self._clock())

    def set_up(self, of: str, fields: Mapping[str, Any]) -> None:
        """Add a row to a set-up table of F&O; LookupError when there is none of that name."""
        self.dynamics.add(of, fields)

    def remove(self, of: str, key: str) -> None:
        """Delete a record of F&O as a person there would.

        Raises:
            LookupError: No such set or record.
            ValueError: F&O's rules refuse it.
        """
        self.dynamics.remove(of, key)

    async def close(self) -> None:
        """Drop all requests and deliveries under way."""
        await self.events.close()
        for shell in self.shells.values():
            await shell.close()


def _source(seed: int, part: str) -> random.Random:
    return random.Random(f"{seed}/{part}")  # noqa: S311  twins must be repeatable, not secret
