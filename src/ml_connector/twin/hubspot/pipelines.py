"""Deal pipelines and their stages; only the first has HubSpot's speaking stage ids, the rest are opaque.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/crm/pipelines/guide
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.errors import ApiError

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from ml_connector.twin.world.model import World

DEFAULT = "default"
FIRST_NEW = 1_000_000_000  # ids of pipelines and stages made later come after this
_OPEN = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
)
_WON, _LOST = "closedwon", "closedlost"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; ``probability`` is text, as HubSpot prints it."""

    id: str
    label: str
    order: int
    closed: bool
    probability: str

    @property
    def won(self) -> bool:
        """Closed with certainty."""
        return self.closed and Decimal(self.probability) == 1

    @property
    def lost(self) -> bool:
        """Closed without a chance."""
        return self.closed and Decimal(self.probability) == 0

    def wire(self, at: str) -> dict[str, Any]:
        """As HubSpot prints it: both metadata values are text."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "metadata": {"isClosed": str(self.closed).lower(), "probability": self.probability},
            "createdAt": at,
            "updatedAt": at,
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline with its stages in order; ``keys`` maps the world's stage keys to stage ids."""

    id: str
    label: str
    order: int
    stages: tuple[Stage, ...]
    keys: dict[str, str] = field(default_factory=dict)

    def won_stage(self) -> Stage:
        """The stage that closes a deal as won.

        Raises:
            LookupError: The pipeline has no such stage.
        """
        for stage in self.stages:
            if stage.won:
                return stage
        raise LookupError(f"Pipeline {self.label} has no won stage.")

    def wire(self, at: str) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "createdAt": at,
            "updatedAt": at,
            "archived": False,
            "stages": [stage.wire(at) for stage in self.stages],
        }


class Pipelines:
    """The deal pipelines of one portal."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.all: dict[str, Pipeline] = {}
        self.audit: list[dict[str, Any]] = []  # what was done by the API, the latest first
        for order, (label, stages) in enumerate(world.pipelines):
            if order == 0:
                pipeline_id, ids = DEFAULT, list(_speaking_ids(stages))
            else:
                first = rng.randrange(10_000_000, 1_000_000_000)
                pipeline_id = str(first)
                ids = [str(first + 1 + 17 * position) for position in range(len(stages))]
            made = tuple(
                Stage(stage_id, name, position, closed, probability)
                for position, (stage_id, (name, _key, closed, probability)) in enumerate(
                    zip(ids, stages, strict=True)
                )
            )
            keys = {key: stage_id for stage_id, (_name, key, _c, _p) in zip(ids, stages, strict=True)}
            self.all[pipeline_id] = Pipeline(pipeline_id, label, order, made, keys)
        self.stages: dict[str, tuple[Pipeline, Stage]] = {}
        self._last_id = FIRST_NEW
        self._index()

    def new_id(self) -> str:
        """An id for a pipeline or a stage made later: opaque, as all but those of the first pipeline."""
        self._last_id += 1
        return str(self._last_id)

    def put(self, pipeline: Pipeline) -> None:
        """Add a pipeline or put another in its place; stages stay in their order."""
        stages = tuple(sorted(pipeline.stages, key=lambda stage: stage.order))
        self.all[pipeline.id] = replace(pipeline, stages=stages)
        self._index()

    def remove(self, pipeline: Pipeline) -> None:
        """Forget a pipeline."""
        del self.all[pipeline.id]
        self._index()

    def _index(self) -> None:
        self.stages = {
            stage.id: (pipeline, stage) for pipeline in self.all.values() for stage in pipeline.stages
        }

    def named(self, word: str) -> Pipeline:
        """A pipeline by id or label.

        Raises:
            LookupError: No pipeline has that id or label.
        """
        for pipeline in self.all.values():
            if word in {pipeline.id, pipeline.label}:
                return pipeline
        raise LookupError(f"There is no pipeline {word!r}.")

    def stage_of(self, deal: dict[str, str]) -> Stage | None:
        """The stage that a deal's stored properties name."""
        found = self.stages.get(deal.get("dealstage", ""))
        return found[1] if found else None


def stage_in(pipeline: Pipeline, word: str) -> Stage:
    """A stage of a pipeline by id, world key, label, or the word ``won``.

    Raises:
        LookupError: The pipeline has no such stage.
    """
    if word == "won":
        return pipeline.won_stage()
    wanted = pipeline.keys.get(word, word)
    for stage in pipeline.stages:
        if wanted in {stage.id, stage.label}:
            return stage
    raise LookupError(f"Pipeline {pipeline.label} has no stage {word!r}.")


def pipeline_of(pipelines: Pipelines, pipeline_id: str) -> Pipeline:
    """A pipeline by id, for a request that names it in its path."""
    found = pipelines.all.get(pipeline_id)
    if found is None:
        raise ApiError(404, f"Pipeline {pipeline_id} does not exist.", "OBJECT_NOT_FOUND")
    return found


def _speaking_ids(stages: Iterable[tuple[str, str, bool, str]]) -> Iterable[str]:
    unused = [*_OPEN]
    for label, key, closed, probability in stages:
        if key in {*_OPEN, _WON, _LOST}:
            yield key
            if key in unused:
                unused.remove(key)
        elif closed:
            yield _WON if Decimal(probability) == 1 else _LOST
        else:
            if not unused:
                raise ValueError(f"The first pipeline has more open stages than HubSpot's default: {label}.")
            yield unused.pop(0)
