from __future__ import annotations
from typing import TYPE_CHECKING, Any
import pytest
if TYPE_CHECKING:
    from tests.cli.cli_live import Twins, connected, use
    from tests.cli.conftest import Ask
else:
    from cli_live import connected, use

def test_x(ask: Ask, twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    use(twins, monkeypatch)
    connected(ask)
    said = ask("ping", "--fit")
    print(said.out, said.err)
    assert 0
