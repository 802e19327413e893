"""The endpoints of pipelines and their stages, with the record of what was changed.

Facts: https://developers.hubspot.com/docs/api-reference/legacy/crm/pipelines/guide
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer, objects_in, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.oauth import USER_ID
from ml_connector.twin.hubspot.pipelines import DEFAULT, Pipeline, Stage, pipeline_of
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call

_CHECKS = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")


def list_pipelines(call: Call) -> Answer:
    """All pipelines; only deals have any here."""
    known = call.portal.pipelines.all.values() if call.table.kind.name == "deals" else ()
    return answer(200, {"results": [one.wire(call.portal.started) for one in known]})


def get_pipeline(call: Call) -> Answer:
    """One pipeline."""
    return answer(200, _pipeline(call).wire(call.portal.started))


def create_pipeline(call: Call) -> Answer:
    """A new pipeline with its stages."""
    _deals(call)
    body = call.body()
    required_in(body, "displayOrder", "label", "stages")
    pipeline_id = str(body.get("pipelineId") or "") or call.portal.pipelines.new_id()
    known = call.portal.pipelines.all
    if pipeline_id in known or str(body["label"]) in {one.label for one in known.values()}:
        raise ApiError(409, f"A pipeline {body['label']} already exists.", "OBJECT_ALREADY_EXISTS")
    made = Pipeline(pipeline_id, str(body["label"]), _order(body), _stages(call, body))
    return _put(call, made, "CREATE", 201)


def replace_pipeline(call: Call) -> Answer:
    """Another label, order and set of stages for a pipeline."""
    pipeline, body = _pipeline(call), call.body()
    required_in(body, "displayOrder", "label", "stages")
    stages = _stages(call, body)
    for gone in {stage.id for stage in pipeline.stages} - {stage.id for stage in stages}:
        _unused(call, "dealstage", gone, needed=any(map(call.flag, _CHECKS)))
    made = replace(pipeline, label=str(body["label"]), order=_order(body), stages=stages)
    return _put(call, made, "UPDATE", 200)


def update_pipeline(call: Call) -> Answer:
    """Another label or order for a pipeline."""
    pipeline, body = _pipeline(call), call.body()
    made = replace(
        pipeline,
        label=str(body.get("label") or pipeline.label),
        order=_order(body) if "displayOrder" in body else pipeline.order,
    )
    return _put(call, made, "UPDATE", 200)


def delete_pipeline(call: Call) -> Answer:
    """Delete a pipeline; the default one stays, and one in use when the caller asks to look."""
    pipeline = _pipeline(call)
    if pipeline.id == DEFAULT:
        raise invalid_input("The default pipeline cannot be deleted")
    _unused(call, "pipeline", pipeline.id, needed=any(map(call.flag, _CHECKS)))
    call.portal.pipelines.remove(pipeline)
    call.portal.know_pipelines()
    _note(call, pipeline.id, "DELETE", pipeline.wire(call.portal.started))
    return Answer(204, written=Written((pipeline.id,), committed=True))


def audit_pipeline(call: Call) -> Answer:
    """What was done to one pipeline, the latest first."""
    return _audit(call, _pipeline(call).id)


def list_stages(call: Call) -> Answer:
    """The stages of one pipeline."""
    return answer(200, {"results": [stage.wire(call.portal.started) for stage in _pipeline(call).stages]})


def get_stage(call: Call) -> Answer:
    """One stage."""
    return answer(200, _stage(call).wire(call.portal.started))


def create_stage(call: Call) -> Answer:
    """A new stage of a pipeline."""
    pipeline = _pipeline(call)
    made = _new_stage(call, call.body())
    return _put_stage(call, pipeline, (*pipeline.stages, made), made, action="CREATE", status=201)


def replace_stage(call: Call) -> Answer:
    """Another label, order and metadata for a stage."""
    pipeline, stage = _pipeline(call), _stage(call)
    made = _new_stage(call, call.body() | {"stageId": stage.id}, known=stage.id)
    return _exchange(call, pipeline, stage, made)


def update_stage(call: Call) -> Answer:
    """Some changes of a stage; its metadata must be given."""
    pipeline, stage, body = _pipeline(call), _stage(call), call.body()
    plain = {"label": stage.label, "displayOrder": stage.order, "stageId": stage.id}
    return _exchange(call, pipeline, stage, _new_stage(call, plain | body, known=stage.id))


def delete_stage(call: Call) -> Answer:
    """Delete a stage; one in use stays when the caller asks to look."""
    pipeline, stage = _pipeline(call), _stage(call)
    _unused(call, "dealstage", stage.id, needed=any(map(call.flag, _CHECKS)))
    if len(pipeline.stages) == 1:
        raise invalid_input("A pipeline keeps at least one stage")
    left = tuple(one for one in pipeline.stages if one.id != stage.id)
    _put_stage(call, pipeline, left, stage, action="DELETE", status=200)
    return Answer(204, written=Written((stage.id,), committed=True))


def audit_stage(call: Call) -> Answer:
    """What was done to one stage, the latest first."""
    return _audit(call, _stage(call).id)


def _deals(call: Call) -> None:
    if call.table.kind.name != "deals":
        raise invalid_input(f"Objects of type {call.table.kind.name} have no pipelines")


def _pipeline(call: Call) -> Pipeline:
    known = call.portal.pipelines
    if call.table.kind.name != "deals":
        raise ApiError(404, f"Pipeline {call.args['pipeline']} does not exist.", "OBJECT_NOT_FOUND")
    return pipeline_of(known, call.args["pipeline"])


def _stage(call: Call) -> Stage:
    for stage in _pipeline(call).stages:
        if stage.id == call.args["stage"]:
            return stage
    raise ApiError(404, f"Stage {call.args['stage']} does not exist.", "OBJECT_NOT_FOUND")


def _exchange(call: Call, pipeline: Pipeline, stage: Stage, made: Stage) -> Answer:
    stages = tuple(made if one.id == stage.id else one for one in pipeline.stages)
    return _put_stage(call, pipeline, stages, made, action="UPDATE", status=200)


def _stages(call: Call, body: dict[str, Any]) -> tuple[Stage, ...]:
    own = {stage.id for stage in _pipeline(call).stages} if "pipeline" in call.args else set()
    made = []
    for one in objects_in(body["stages"], "stages"):
        given = str(one.get("stageId") or "")
        made.append(_new_stage(call, one, known=given if given in own else ""))
    if not made or len({stage.id for stage in made}) != len(made):
        raise invalid_input("A pipeline needs stages with ids of their own")
    return tuple(made)


def _new_stage(call: Call, body: dict[str, Any], known: str = "") -> Stage:
    required_in(body, "displayOrder", "label", "metadata")
    stage_id = str(body.get("stageId") or "") or call.portal.pipelines.new_id()
    if stage_id != known and stage_id in call.portal.pipelines.stages:
        raise ApiError(409, f"A stage {stage_id} already exists.", "OBJECT_ALREADY_EXISTS")
    metadata = body["metadata"]
    given = str(metadata.get("probability", "")) if isinstance(metadata, dict) else ""
    try:
        probability = Decimal(given)
    except InvalidOperation:
        probability = Decimal(-1)
    if not probability.is_finite() or not 0 <= probability <= 1:
        raise invalid_input("metadata.probability must be a number from 0.0 to 1.0")
    closed = str(metadata.get("isClosed", "")).lower()
    is_closed = closed == "true" if closed else probability in {0, 1}
    return Stage(stage_id, str(body["label"]), _order(body), is_closed, given)


def _order(body: dict[str, Any]) -> int:
    order = body["displayOrder"]
    if not isinstance(order, int):
        raise invalid_input("displayOrder must be a whole number")
    return order


def _unused(call: Call, name: str, value: str, *, needed: bool) -> None:
    """Refuse when a live deal stands there and the caller wants that looked at."""
    if needed and any(deal.properties.get(name) == value for deal in call.table.all_live()):
        raise invalid_input(f"{value} is still used by deals")


def _put(call: Call, pipeline: Pipeline, action: str, status: int) -> Answer:
    call.portal.pipelines.put(pipeline)
    call.portal.know_pipelines()
    printed = pipeline.wire(call.portal.started)
    _note(call, pipeline.id, action, printed)
    return answer(status, printed, Written((pipeline.id,), committed=True))


def _put_stage(
    call: Call, pipeline: Pipeline, stages: tuple[Stage, ...], stage: Stage, *, action: str, status: int
) -> Answer:
    call.portal.pipelines.put(replace(pipeline, stages=stages))
    call.portal.know_pipelines()
    printed = stage.wire(call.portal.started)
    _note(call, stage.id, action, printed)
    return answer(status, printed, Written((stage.id,), committed=True))


def _note(call: Call, identifier: str, action: str, printed: dict[str, Any]) -> None:
    entry = {
        "action": action,
        "fromUserId": USER_ID,
        "identifier": identifier,
        "portalId": call.portal.portal_id,
        "rawObject": printed,
        "timestamp": call.portal.now,
    }
    call.portal.pipelines.audit.insert(0, entry)


def _audit(call: Call, identifier: str) -> Answer:
    found = [one for one in call.portal.pipelines.audit if one["identifier"] == identifier]
    return answer(200, {"results": found})
