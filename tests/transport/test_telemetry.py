"""Log lines: one a line, secrets masked wherever they sit, whoever writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator  # noqa: TC003 - pytest reads the fixture's annotation
from urllib.parse import quote

import pytest
import structlog

from ml_connector import telemetry

SECRET = "canary s+e/c=ret"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_leaves_the_process_whoever_logs_it(
    capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    telemetry.setup_logging("DEBUG", json=as_json)
    telemetry.register_secret(SECRET)
    structlog.get_logger("ours").info("call", header=f"Bearer {SECRET}", url=f"?t={quote(SECRET, safe='')}")
    logging.getLogger("theirs").warning("token %s", SECRET)
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    written = capsys.readouterr().err
    assert "call" in written
    assert "failed" in written
    assert SECRET not in written
    assert quote(SECRET, safe="") not in written
    assert written.count(telemetry.MASK) >= 4


def test_a_secret_learnt_after_a_line_was_written_is_masked_in_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry.setup_logging("INFO")
    for number in range(3):
        telemetry.register_secret(f"{SECRET}{number}")
        structlog.get_logger("ours").info("call", known=f"{SECRET}{number}", before=f"{SECRET}0")
    assert SECRET not in capsys.readouterr().err


def test_a_name_with_a_newline_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.setup_logging("INFO")
    forged = "Acme\n2026-01-01 [info] all is well\x1b[2J"
    structlog.get_logger("ours").info("seen", name=forged)
    structlog.get_logger("ours").info(forged)
    logging.getLogger("theirs").warning("seen %s", forged)
    written = capsys.readouterr().err
    assert written.count("\n") == 3
    assert "\x1b[2J" not in written


def test_json_lines_are_json_and_carry_the_correlation(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.setup_logging("INFO", json=True)
    with structlog.contextvars.bound_contextvars(run_id="run-1"):
        structlog.get_logger("ours").info("started", flow="customers")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["flow"], line["run_id"], line["level"]) == (
        "started",
        "customers",
        "run-1",
        "info",
    )


def test_short_values_are_not_masked_and_old_secrets_make_room() -> None:
    redactor = telemetry.Redactor(limit=20)
    redactor.register("abc")
    assert redactor.clean("abc") == "abc"
    for number in range(100):
        redactor.register(f"token-{number:04}")
    assert redactor.clean("token-0099") == telemetry.MASK
    assert len(redactor._forms) <= 20
