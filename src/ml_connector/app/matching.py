"""Matching before a first load: compare, link what is certain, queue what is doubtful, decide, take back."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.match_sides import KINDS
from ml_connector.domain.matching.deciding import OWN_KEY, Matching, Proposal, decide
from ml_connector.domain.records import identity_hash
from ml_connector.domain.text import did_you_mean
from ml_connector.engine.match import IDENTITY, stamp
from ml_connector.errors import ConfigurationError
from ml_connector.store import calls, matches
from ml_connector.store.matches import Match
from ml_connector.systems.hubspot import properties
from ml_connector.systems.hubspot.stamps import KeyStamps

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ml_connector.app.match_sides import Kind
    from ml_connector.app.workplace import Workplace
    from ml_connector.engine.match import Written
    from ml_connector.store.matches import MatchState
    from ml_connector.systems.hubspot.client import HubSpotClient

SHOWN = ("name", "domains", "tax_ids", "emails", "phones", "postal_code", "city", "country", "numbers")
BY_RULE = "matching"


@dataclass(slots=True)
class Comparison:
    """What a comparison found; nothing is stored or written yet."""

    flow: str
    sources: dict[str, Any]
    targets: dict[str, Any]
    matching: Matching
    linked_before: int
    notes: list[str] = field(default_factory=list)

    @property
    def to_stamp(self) -> list[Proposal]:
        """Certain links whose record does not carry its key yet."""
        return [each for each in self.matching.certain if each.rule != OWN_KEY]

    @property
    def to_review(self) -> set[str]:
        """The source records that a person must decide about."""
        return {each.source for each in self.matching.doubtful}

    @property
    def renames(self) -> list[dict[str, str]]:
        """Every name that a load would replace by that of Dynamics."""
        if not KINDS[self.flow].replaces_names:
            return []
        pairs = [
            (each, self.targets[each.target].name, self.sources[each.source].name)
            for each in self.matching.certain
        ]
        return [
            {"key": each.source, "target_id": each.target, "before": before, "after": after}
            for each, before, after in pairs
            if after and before != after
        ]  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """The figures and lists, for a screen or a program."""
        certain, doubtful = self.matching.certain, self.matching.doubtful
        held = self.to_review
        proposed = {each.target for each in doubtful}
        rules: dict[str, Counter[str]] = {}
        for word, pairs in (("certain", certain), ("doubtful", doubtful)):
            for each in pairs:
                rules.setdefault(each.rule, Counter())[word] += 1
        return {
            "flow": self.flow,
            "compared": {"dynamics": len(self.sources), "hubspot": len(self.targets)},
            "linked_before": self.linked_before,
            "rules": [
                {"rule": rule, "certain": count["certain"], "doubtful": count["doubtful"]}
                for rule, count in sorted(rules.items(), key=lambda each: -each[1].total())
            ],
            "certain": len(certain),
            "doubtful": len(held),
            "unmatched": {
                "dynamics": len(self.sources) - len(certain) - len(held),
                "hubspot": len(self.targets) - len(certain) - len(proposed),
            },
            "collisions": [asdict(each) for each in self.matching.collisions],
            "replaced_names": self.renames,
            "notes": self.notes,
        }


def known_kind(flow: str) -> Kind:
    """How a flow's records are compared.

    Raises:
        ConfigurationError: the flow is not one that can be matched.
    """
    if flow not in KINDS:
        raise ConfigurationError(
            f"There is nothing to match for '{flow}'; it is one of {', '.join(KINDS)}.{did_you_mean(flow, KINDS)}",
            code="usage.flow",
        )
    return KINDS[flow]


async def compare(place: Workplace, flow: str) -> Comparison:
    """Read both sides and decide what is the same; what is linked already is left out."""
    kind = known_kind(flow)
    await _require_key_property(place, kind)
    sides = await kind.read(place)
    linked = await _linked(place, flow)
    taken = set(linked.values())
    targets = {each.id: each for each in sides.targets if each.id not in taken}
    alone, fellows = one_of_each_party(
        sides.sources, linked=linked, carried={each.key for each in sides.targets}
    )
    sources = {each.id: each for each in alone if each.id not in linked}
    rejected = {(key, target) for _, key, target in await _pairs(place, flow, "rejected")}
    matching = decide(kind.pairs(sources.values(), targets.values()), rejected=rejected)
    behind = [
        (fellow, replace(each, source=fellow.id))
        for each in matching.doubtful
        for fellow in fellows.get(each.source, ())
        if (fellow.id, each.target) not in rejected
    ]
    sources |= {fellow.id: fellow for fellow, _ in behind}
    matching = replace(matching, doubtful=(*matching.doubtful, *(each for _, each in behind)))
    return Comparison(flow, sources, targets, matching, len(linked), sides.notes)


def one_of_each_party(
    sources: Sequence[Any], *, linked: Collection[str], carried: Collection[str]
) -> tuple[list[Any], dict[str, list[Any]]]:
    """Of customers that share a company only one is compared: whose key a company carries, else the first.

    Returns:
        The sources to compare, and by their ids the others of the party: nothing may be created behind a doubtful
        match of the one. Where one of a party is linked, the others follow it and are not compared.
    """
    alone: list[Any] = []
    parties: dict[str, list[Any]] = {}
    for each in sources:
        party = getattr(each, "party", "")
        if party:
            parties.setdefault(party, []).append(each)
        else:
            alone.append(each)
    fellows: dict[str, list[Any]] = {}
    for members in parties.values():
        if any(each.id in linked for each in members):
            continue
        first = next((each for each in members if each.id in carried), members[0])
        alone.append(first)
        fellows[first.id] = [each for each in members if each is not first]
    return alone, fellows


async def carry_out(place: Workplace, comparison: Comparison, *, by: str) -> dict[str, Any]:
    """Stamp and link what is certain, queue what is doubtful, and note that the flow has been matched.

    Raises:
        RetryableError: HubSpot could not be reached; the same command goes on.
        AccessError: HubSpot does not let us write.
    """
    engine, cid, flow = place.engine, place.connection.connection_id, comparison.flow
    run_id = place.around.new_id()
    async with place.store.write() as tx:
        interrupted = await matches.unfinished(tx, cid, flow)
        sent_before = await matches.keys_sent(tx, cid, interrupted)
        await calls.settle_open(tx, cid, interrupted, "repeated")
        await matches.begin(tx, cid, flow, run_id)
    certain = [
        _match(comparison, each, run_id, "stamped", sent_before) for each in comparison.matching.certain
    ]
    carried = {each.target: each.source for each in comparison.matching.certain if each.rule == OWN_KEY}
    written = await stamp(
        engine, stamps_of(KINDS[flow], await place.hubspot()), run_id, certain, carried=carried
    )
    queued = await _queue(place, comparison, run_id)
    report = {
        "run_id": run_id,
        "stamped": sum(row.rule != OWN_KEY for row in written.done),
        "relinked": sum(row.rule == OWN_KEY for row in written.done),
        "refused": _refusals(written),
        "queued": queued,
        "by": by,
    }
    async with place.store.write() as tx:
        figures = {name: value for name, value in report.items() if isinstance(value, int)}
        await matches.end(tx, cid, run_id, {**figures, "refused": len(written.refused), "by": by})
    return report


async def _queue(place: Workplace, comparison: Comparison, run_id: str) -> int:
    """Add what is doubtful and not queued yet; close what is no longer proposed. How many were added."""
    cid, flow = place.connection.connection_id, comparison.flow
    waiting = {(key, target): number for number, key, target in await _pairs(place, flow, "doubtful")}
    proposed = {(each.source, each.target): each for each in comparison.matching.doubtful}
    new = [
        _match(comparison, each, run_id, "doubtful") for pair, each in proposed.items() if pair not in waiting
    ]
    gone = [number for pair, number in waiting.items() if pair not in proposed]
    async with place.store.write() as tx:
        await matches.decide(tx, cid, gone, "undone", "no longer proposed")
    for start in range(0, len(new), matches.PAGE):
        async with place.store.write() as tx:
            await matches.add(tx, cid, new[start : start + matches.PAGE], place.vault)
    return len(new)


def stamps_of(kind: Kind, client: HubSpotClient) -> KeyStamps:
    """How the keys of these records are written."""
    return KeyStamps(client, kind.object_type, kind.key_property)


async def _require_key_property(place: Workplace, kind: Kind) -> None:
    """The portal has the property that a stamp goes to.

    Raises:
        ConfigurationError: it has not.
    """
    findings = await properties.missing(await place.hubspot(), [kind.object_type])
    if any(finding.name == kind.key_property for finding in findings):
        raise ConfigurationError(
            f"HubSpot lacks the property {kind.object_type}.{kind.key_property}, which names a record of Dynamics.",
            code="hubspot.property_missing",
            hint="Run: ml-connector hubspot properties --create",
        )


async def _linked(place: Workplace, flow: str) -> dict[str, str]:
    """Every link of a flow: key to target id."""
    found: dict[str, str] = {}
    after = ""
    while True:
        async with place.store.read() as tx:
            page = await matches.linked(tx, place.connection.connection_id, flow, after=after)
        found.update(page)
        if len(page) < matches.PAGE:
            return found
        after = page[-1][0]


async def _pairs(place: Workplace, flow: str, state: MatchState) -> list[tuple[int, str, str]]:
    """Every pair of a flow in one state."""
    found: list[tuple[int, str, str]] = []
    while True:
        after = found[-1][0] if found else 0
        async with place.store.read() as tx:
            page = await matches.pairs(tx, place.connection.connection_id, flow, state, after=after)
        found += page
        if len(page) < matches.PAGE:
            return found


def _match(
    comparison: Comparison,
    proposal: Proposal,
    run_id: str,
    state: MatchState,
    sent_before: Collection[str] = (),
) -> Match:
    """A pair as it is stored; a key that the record carried before this run is not ours to clear."""
    ours = proposal.rule != OWN_KEY or proposal.source in sent_before
    detail = {
        "source": _values(comparison.sources[proposal.source]),
        "target": _values(comparison.targets[proposal.target]),
        "reasons": list(proposal.reasons),
        "written": ours,
    }
    if party := getattr(comparison.sources[proposal.source], "party", ""):
        detail[IDENTITY] = identity_hash(party)
    return Match(
        flow=comparison.flow,
        source_key=proposal.source,
        target_id=proposal.target,
        rule=proposal.rule,
        score=proposal.score,
        state=state,
        detail=detail,
        run_id=run_id,
        decided_by=BY_RULE if state == "stamped" else "",
    )


def _values(value: Any) -> dict[str, str]:
    """What is known of a record, for a person to look at."""
    found: dict[str, str] = {}
    for name in SHOWN:
        held = getattr(value, name, "")
        text = held if isinstance(held, str) else ", ".join(sorted(held))
        if text:
            found[name] = text
    return found


def _refusals(written: Written) -> list[dict[str, str]]:
    return [{"key": key, "message": message} for key, message in sorted(written.refused.items())]
