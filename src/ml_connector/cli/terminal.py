"""What a command sees of the world: where answers go (stdout), where words go (stderr), whether a person is there."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TextIO

import typer

from ml_connector.cli.words import clean, one_line, shown
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from ml_connector.settings import Settings

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")

Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers; without headers, pairs of a label and a value."""

    headers: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    right: frozenset[str] = frozenset()  # headers of columns of figures


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A line to be copied: it stays one line, however long."""

    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers: one object for programs; for people a verdict, then details; and the exit code."""

    schema: str
    data: Mapping[str, Any]
    text: Sequence[str | Table | Verbatim]
    code: int = 0


@dataclass(frozen=True, slots=True)
class Terminal:
    """The options that every command takes, and what follows from them."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
    color: Color = "auto"
    connection: str = ""
    _settings: list[Settings] = field(default_factory=list)

    def settings(self) -> Settings:
        """The process settings, flags first.

        Raises:
            ConfigurationError: a setting is wrong; the sentence names it.
        """
        if not self._settings:
            from ml_connector.settings import load_settings

            self._settings.append(
                load_settings(**({"connection": self.connection} if self.connection else {}))
            )
        return self._settings[0]

    def say(self, text: str) -> None:
        """A message or a milestone, for people: stderr, unless they asked for quiet."""
        if not self.quiet:
            sys.stderr.write(f"{one_line(text)}\n")
            sys.stderr.flush()

    def give(self, reply: Reply) -> None:
        """The answer, on stdout."""
        if self.json:
            write_json({"schema": reply.schema, **reply.data})
            return
        console = self.console(sys.stdout)
        with console.capture() as printed:
            for place, part in enumerate(reply.text):
                if isinstance(part, Table):
                    console.print(_rendered(part))
                elif isinstance(part, Verbatim):
                    console.print(clean(part.text), soft_wrap=True)
                else:
                    console.print(clean(part), style="bold" if place == 0 else None)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))

    @property
    def is_live(self) -> bool:
        """Whether a person watches the messages."""
        return sys.stderr.isatty() and not self.quiet

    @property
    def may_ask(self) -> bool:
        """Whether a question would reach a person."""
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    def confirm(self, question: str, *, otherwise: str) -> bool:
        """Ask yes or no.

        Args:
            question: ends with a question mark.
            otherwise: the sentence and the way out when nobody can be asked.

        Raises:
            ConfigurationError: nobody can be asked.
        """
        if not self.may_ask:
            raise ConfigurationError(
                otherwise, code="usage.confirm", hint="Add --yes to go ahead without a question."
            )
        with _interruptible():
            return typer.confirm(question, err=True)

    def prompt(self, label: str, *, default: str = "", secret: bool = False) -> str:
        """Ask for a value; a secret is not shown while it is typed."""
        with _interruptible():
            answer: str = typer.prompt(label, default=default or None, hide_input=secret, err=True)
        return answer.strip()

    def console(self, file: TextIO) -> Console:
        """A Rich console that takes text as it is: no markup, no guessing at numbers."""
        from rich.console import Console

        def build(**options: Any) -> Console:
            return Console(file=file, markup=False, emoji=False, highlight=False, **options)

        if self.color == "always":
            return build(force_terminal=True, no_color=False)
        console = build()
        if self.color == "never" or console.no_color:  # Rich reads NO_COLOR, and would still write bold
            return build(color_system=None)
        return console


@contextmanager
def _interruptible() -> Iterator[None]:
    """While a question waits, Ctrl-C ends it at once; asyncio's own handler would wait for the loop, which stands."""
    import signal

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def write_json(answer: Mapping[str, Any]) -> None:
    """One object, one line, UTF-8 whatever the console's encoding is."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(answer, default=_plain, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """Decimals and paths as text; everything else is a mistake of ours."""
    from decimal import Decimal
    from pathlib import PurePath

    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(type(value).__name__)


def _rendered(table: Table) -> Any:
    """Rich's table: no lines, columns two blanks apart; a column of single words is the last to be squeezed."""
    from rich.table import Table as RichTable

    rows = [[clean(shown(cell)) for cell in row] for row in table.rows]
    rich = RichTable(box=None, show_header=bool(table.headers), pad_edge=False, padding=(0, 2, 0, 0))
    for place in range(max([len(table.headers), *(len(row) for row in rows)])):
        header = table.headers[place] if table.headers else ""
        rich.add_column(
            header,
            justify="right" if header in table.right else "left",
            header_style="dim",
            style="dim" if place == 0 and not table.headers else "",
            overflow="fold",
            no_wrap=place == 0 or all(_is_one_word(row[place]) for row in rows),
        )
    for row in rows:
        rich.add_row(*row)
    return rich


def indented(text: str) -> Table:
    """A paragraph that stays two blanks in, however often it is wrapped."""
    return Table((), [("", text)])


def _is_one_word(cell: str) -> bool:
    """Also a time, although it holds a blank."""
    return " " not in cell or bool(_TIME.fullmatch(cell))
