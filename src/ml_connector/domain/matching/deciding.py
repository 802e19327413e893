"""From pairs that fit to what is certain: a link is certain only when nothing else fits either of its two records."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

OWN_KEY = "own key"
MOST_PROPOSALS = 5  # for one source: more would not be read


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source record and a target record that may be the same.

    Args:
        source: The external key.
        target: The id in HubSpot.
        rule: Which rule says so.
        score: How sure it is, 0 to 1000.
        certain: Whether the rule alone is enough.
        reasons: What agrees and what does not, in words.
    """

    source: str
    target: str
    rule: str
    score: int
    certain: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collision:
    """Records that a certain rule would link more than once."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """What came of a comparison: links that are certain, proposals for a person, and why some are not certain."""

    certain: tuple[Proposal, ...]
    doubtful: tuple[Proposal, ...]
    collisions: tuple[Collision, ...]


def decide(pairs: Iterable[Proposal], *, rejected: Collection[tuple[str, str]] = ()) -> Matching:
    """Keep as certain what fits once on both sides; the rest, best first, is for a person.

    Args:
        pairs: Everything that fits, each pair once.
        rejected: Pairs a person has said no to: they count for nothing, and what is only doubtful about their source
            is not asked again.
    """
    new = {source for source, _ in rejected}
    fitting = [pair for pair in pairs if (pair.source, pair.target) not in rejected]
    own = [pair for pair in fitting if pair.rule == OWN_KEY]
    settled = {pair.source for pair in own}
    taken = {pair.target for pair in own}
    open_pairs = [pair for pair in fitting if pair.source not in settled and pair.target not in taken]
    collisions = _collisions([pair for pair in open_pairs if pair.certain])
    colliding = {source for each in collisions for source in each.sources}
    certain = [*own, *(pair for pair in open_pairs if pair.certain and pair.source not in colliding)]
    settled |= {pair.source for pair in certain}
    taken |= {pair.target for pair in certain}
    left = [
        _in_words(pair, collisions)
        for pair in open_pairs
        if pair.source not in settled
        and pair.target not in taken
        and (pair.certain or pair.source not in new)
    ]
    return Matching(tuple(certain), tuple(_best(left)), collisions)


def _collisions(pairs: Sequence[Proposal]) -> tuple[Collision, ...]:
    """Groups of pairs that share a record; a pair alone is no collision."""
    of_source: dict[str, set[str]] = defaultdict(set)
    of_target: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        of_source[pair.source].add(pair.target)
        of_target[pair.target].add(pair.source)
    found: list[Collision] = []
    seen: set[str] = set()
    for start in of_source:
        if start in seen:
            continue
        sources, targets, waiting = {start}, set[str](), [start]
        while waiting:
            for target in of_source[waiting.pop()] - targets:
                targets.add(target)
                waiting += of_target[target] - sources
                sources |= of_target[target]
        seen |= sources
        if len(sources) > 1 or len(targets) > 1:
            found.append(Collision(tuple(sorted(sources)), tuple(sorted(targets))))
    return tuple(found)


def _in_words(pair: Proposal, collisions: Sequence[Collision]) -> Proposal:
    """A pair that collides says with what."""
    if not pair.certain:
        return pair
    for each in collisions:
        if pair.source in each.sources:
            others = [*(one for one in each.sources if one != pair.source)]
            others += [one for one in each.targets if one != pair.target]
            return replace(pair, reasons=(*pair.reasons, f"collides with {', '.join(others)}"))
    return pair


def _best(pairs: Iterable[Proposal]) -> list[Proposal]:
    """The best proposals of each source, in the order of the sources."""
    of_source: dict[str, list[Proposal]] = defaultdict(list)
    for pair in pairs:
        of_source[pair.source].append(pair)
    return [
        pair
        for found in of_source.values()
        for pair in sorted(found, key=lambda each: (-each.score, each.target))[:MOST_PROPOSALS]
    ]
