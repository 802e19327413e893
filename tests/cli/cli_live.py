"""Twins served by ``twin serve`` in a process of their own, and how a test works with them."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.cli_answers import check_schema
else:  # pytest puts this folder on the path; mypy names its modules from the root
    from cli_answers import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from tests.cli.conftest import Ask

SMALL = ("--customers", "24", "--products", "40", "--rep", "off")
PREPARE = (
    "init", "connect dynamics --from-env", "connect hubspot --from-env", "hubspot properties --create",
    "flows enable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Twins:
    """Twins that serve in a process of their own, and what a person can do in them."""

    where: dict[str, Any]
    process: subprocess.Popen[bytes]

    def environment(self) -> dict[str, str]:
        """What ``connect --from-env`` reads."""
        return {
            "MLC_ALLOW_LOCAL": "1",
            "MLC_DYNAMICS_URL": self.where["dynamics_url"],
            "MLC_DYNAMICS_TENANT": self.where["tenant"],
            "MLC_DYNAMICS_CLIENT_ID": self.where["client_id"],
            "MLC_DYNAMICS_CLIENT_SECRET": self.where["client_secret"],
            "MLC_DYNAMICS_AUTHORITY": self.where["authority"],
            "MLC_HUBSPOT_TOKEN": self.where["hubspot_token"],
            "MLC_HUBSPOT_URL": self.where["hubspot_url"],
            "MLC_ORDERS__QUIET_MINUTES": "0",
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the twins' control API."""
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            f"{self.where['hubspot_url']}/__twin__/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            content = answer.read()
        return json.loads(content) if content else None

    def records(self, of: str) -> list[dict[str, Any]]:
        """Ground truth."""
        return list(self.control("GET", f"state?of={of}&limit=1000")["records"])

    def writes(self) -> int:
        """Writes that reached either system so far."""
        return int(self.control("GET", "state")["writes"])

    def open_deals(self) -> list[str]:
        return [str(record["id"]) for record in self.records("deals")]

    def won_deal(self) -> str:
        """A deal the rep has linked to its company and won; every line has a price."""
        for deal in self.open_deals():
            if self.control("POST", "rep", {"deal": deal})["did"]:
                for line in self.records("line_items"):
                    if not line["properties"].get("price"):
                        edit = {"of": "line_items", "key": str(line["id"]), "fields": {"price": "10.00"}}
                        self.control("PATCH", "state", edit)
                self.control("POST", f"deals/{deal}/stage", {"stage": "won"})
                return deal
        raise AssertionError("the world holds no deal that can be quoted")


@contextmanager
def serving(program: str, *words: str) -> Iterator[Twins]:
    """``twin serve`` until the block is left; it then ends by SIGTERM with exit code 0 and one line said."""
    process = subprocess.Popen(
        [program, "twin", "serve", "--dynamics-port", "0", "--hubspot-port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        where = json.loads(process.stdout.readline())
        check_schema(where)
        yield Twins(where, process)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert rest == b"", "exactly one line on standard output"


def use(twins: Twins, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Let the environment point at these twins."""
    for name, value in {**twins.environment(), **changes}.items():
        monkeypatch.setenv(name, value)


def connected(ask: Ask) -> Ask:
    """Both sides saved, properties made, flows on."""
    for words in PREPARE:
        said = ask(*words.split())
        assert said.code == 0, said.out + said.err
    return ask
