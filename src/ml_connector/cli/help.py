"""How help looks: two real examples first, then what the command does, its usage, and its options by group."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

EVERYWHERE = "Options of every command"
PANELS = ("Start", "Work", "Look", "Fix", "Set up")

# Typer keeps the types of its context and formatter private: here they are Any.


class Command(TyperCommand):
    """A command; its ``epilog`` holds the examples, one a line."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        _examples_first(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options, and what every command takes."""
        _options(self, ctx, formatter)


class Noun(TyperGroup):
    """A word with commands under it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        _examples_first(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Options, then the commands by what people come for."""
        _options(self, ctx, formatter)
        commands = [self.commands[name] for name in self.list_commands(ctx) if not self.commands[name].hidden]
        for panel in (*PANELS, None):
            rows = [
                (str(each.name), _first_sentence(each.help)) for each in commands if _panel(each) == panel
            ]
            if rows:
                with formatter.section(panel or "Commands"):
                    formatter.write_dl(rows)


def _first_sentence(text: str | None) -> str:
    return (text or "").partition(". ")[0].rstrip(".") + "."


def _print_help(context: typer.Context, asked: bool) -> None:  # noqa: FBT001 - how Typer calls it
    if asked:
        typer.echo(context.get_help())
        raise typer.Exit


# A noun's own help flag: Typer's has no value when it is not given, and would load pydantic to convert nothing.
HelpFlag = Annotated[
    bool,
    typer.Option("--help", "-h", is_eager=True, callback=_print_help, help="Show this message and exit."),
]
NO_HELP_OF_TYPER: dict[str, list[str]] = {"help_option_names": []}


def show_help_of(context: typer.Context, *, help_asked: HelpFlag = False) -> None:  # noqa: ARG001 - answered by its callback
    """What a noun without a verb does: say what there is, on stderr; it is a wrong usage."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


def _examples_first(command: Any, ctx: Any, formatter: Any) -> None:
    with formatter.section("Examples"):
        for line in command.epilog.splitlines():
            formatter.write(f"  {line}\n")
    formatter.write_paragraph()
    formatter.write_text(command.help)
    formatter.write_paragraph()
    command.format_usage(ctx, formatter)
    command.format_options(ctx, formatter)


def _options(command: Any, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], EVERYWHERE: []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            label = record[0].partition(" <")[0]  # without the type Typer puts behind it
            sections[_section(param)].append((label, record[1]))
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _section(param: Any) -> str:
    if param.param_type_name == "argument":
        return "Arguments"
    return EVERYWHERE if _panel(param) == EVERYWHERE else "Options"


def _panel(thing: Any) -> str | None:
    """Where a command or option is listed."""
    panel: str | None = getattr(thing, "rich_help_panel", None)
    return panel
