"""The reference page of the command line, written from the commands themselves.

``python -m ml_connector.cli.reference > docs/reference/cli.md``; a test compares the two.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from ml_connector.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
HEAD = """\
# The command line

Written from the program itself by `python -m ml_connector.cli.reference > docs/reference/cli.md`.

The answer goes to standard output; messages, questions and progress go to standard error. With `--json` a command
prints exactly one object, described by a JSON Schema in [json/](json/), named after its `schema`
(`sync/1` is [json/sync.json](json/sync.json)); when it cannot answer, that object is
[error/1](json/error.json). Colours are used on a terminal only, and not when `NO_COLOR` is set.

| Exit code | Meaning |
|---|---|
| 0 | done; nothing failed |
| 1 | the command failed, or the breaker stopped a run |
| 2 | wrong usage, or a wrong setting, address, name or mapping |
| 3 | finished, but records are parked |
| 4 | credentials or permission |
| 5 | a system cannot be reached, or refuses for longer than we wait |
| 10 | `plan --exit-code` found changes |
| 130 | interrupted; what was done is stored |
"""


def page() -> str:
    """The whole page: a section a command, holding its help as it is printed at 80 columns."""
    root = typer.main.get_command(app)
    sections = [f"## {title}\n\n```\n{text}\n```\n" for title, text in _helps(root, "ml-connector", None)]
    return "\n".join([HEAD, *sections])


def _helps(command: Any, path: str, parent: Any) -> Iterator[tuple[str, str]]:
    """Every command under this one with its help, itself first."""
    name = path.rpartition(" ")[2]
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=WIDTH - 2, **command.context_settings
    )
    yield path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    for word, below in getattr(command, "commands", {}).items():
        if below.hidden:  # another word for a command that is on the page
            continue
        yield from _helps(below, f"{path} {word}", context)


if __name__ == "__main__":
    sys.stdout.write(page())
