"""``doctor``: each thing this machine must provide is looked at, and one bad finding never hides another."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_connector.app import doctor
from ml_connector.app.doctor import file_system

if TYPE_CHECKING:
    from tests.cli.conftest import Ask

CHECKS = [
    "home", "disk", "settings", "mappings", "encryption key", "database", "database place", "clock", "versions"
]  # fmt: skip
MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
//files/share /srv/share cifs rw 0 0
nas:/data /srv/with\\040blank nfs4 rw 0 0
"""


def bad(ask: Ask) -> dict[str, str]:
    """The checks that failed, with what was seen."""
    found = ask("doctor", "--json").object
    assert found["ok"] == all(check["ok"] for check in found["checks"])
    return {
        check["name"]: check["detail"] + " " + check["fix"] for check in found["checks"] if not check["ok"]
    }


def test_a_fresh_home_is_well(ready: Ask) -> None:
    """After ``init`` every check passes, and the answer names each of them."""
    said = ready("doctor", "--json")
    assert said.code == 0
    assert [check["name"] for check in said.object["checks"]] == CHECKS
    assert said.object["ok"]


def test_before_init_it_says_to_run_it(ask: Ask) -> None:
    """Nothing is there yet: every missing thing is listed with the same way out, and nothing is made by looking."""
    said = ask("doctor")
    assert said.code == 2
    assert "There is no home at" in " ".join(said.out.split())
    assert set(bad(ask)) == {"home", "mappings", "encryption key", "database"}
    assert not Path(os.environ["MLC_HOME"]).exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_key_others_may_read_is_refused(ready: Ask, home: Path) -> None:
    """A key file with a loose mode is named with the command that mends it, here and by every command."""
    key = home / "master.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert "chmod 600" in bad(ready)["encryption key"]
    said = ready("status")
    assert said.code == 2
    assert "Other users may read" in said.err


def test_a_wrong_key_is_refused_and_nothing_is_touched(ready: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key does not open the database; with the right one everything is as it was."""
    monkeypatch.setenv("MLC_MASTER_KEY", "00" * 32)
    assert set(bad(ready)) == {"database"}
    said = ready("status")
    assert said.code == 2
    assert "not the one this database was sealed with" in said.err
    monkeypatch.delenv("MLC_MASTER_KEY")
    assert ready("status").code == 0


def test_a_key_that_is_no_key_is_named(ready: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the wrong length says what a key looks like, and is never repeated."""
    monkeypatch.setenv("MLC_MASTER_KEY", "not-a-key-at-all")
    said = ready("status")
    assert said.code == 2
    assert "32 bytes" in said.err
    assert "not-a-key-at-all" not in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[orders]\nquiet_minuts = 3\n", "quiet_minuts"),
        ('[orders]\nrelease = "maybe"\n', "release"),
        ("nonsense = 1\n", "nonsense"),
        ("[orders\n", "TOML"),
    ],
)
def test_a_wrong_setting_is_named(ready: Ask, home: Path, text: str, said: str) -> None:
    """A setting that is unknown or out of range is found before anything is done, with its name."""
    (home / "ml-connector.toml").write_text(text, encoding="utf-8")
    answered = ready("doctor")
    assert answered.code == 2
    assert said in answered.out + answered.err


def test_a_database_that_is_none_is_named(ready: Ask, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file, another kind of database, a server that is not there: one sentence each, and the right code."""
    (home / "ml-connector.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    assert "is not a database" in bad(ready)["database"]
    for url, code in (("mysql://here/x", 2), ("postgresql://127.0.0.1:9/x", 5), ("sqlite:///", 2), ("::", 2)):
        monkeypatch.setenv("MLC_DATABASE_URL", url)
        assert "database" in bad(ready)
        said = ready("status")
        assert said.code == code, said.err
        assert "Traceback" not in said.err


def test_a_database_on_a_share_is_refused(
    ready: Ask, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home on a network share fails its check, with the advice to move or to use PostgreSQL."""
    table = tmp_path / "mounts"
    table.write_text(f"nas:/data {home.resolve()} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "MOUNTS", table)
    assert "PostgreSQL" in bad(ready)["database place"]


def test_network_shares_are_recognised() -> None:
    """SQLite on a share loses data: the file system of the longest mount decides."""
    assert file_system(Path("/var/lib/x.db"), MOUNTS) == "ext4"
    assert file_system(Path("/srv/share/home/x.db"), MOUNTS) == "cifs"
    assert file_system(Path("/srv/with blank/x.db"), MOUNTS) == "nfs4"
    assert file_system(Path("/srv/shared/x.db"), MOUNTS) == "ext4"
    assert file_system(Path("/x.db"), "") == ""


def test_an_unknown_connection_is_named_with_the_known_ones(ready: Ask) -> None:
    """``--connection`` of a name nobody made is a sentence; ``init --connection`` makes it."""
    said = ready("status", "--connection", "second")
    assert said.code == 2
    assert "'second'" in said.err
    assert "default" in said.err
    assert ready("init", "--connection", "second", "-q").code == 0
    assert ready("status", "--connection", "second", "--json").object["connection"] == "second"


def test_a_password_in_the_database_address_is_not_shown() -> None:
    """``init`` prints where the database is, without what opens it."""
    from ml_connector.cli.init import without_password

    assert without_password("postgresql://me:s3cret@db.example/x") == "postgresql://me:***@db.example/x"
    assert without_password("postgresql://me@db.example/x") == "postgresql://me@db.example/x"
