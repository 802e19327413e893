"""The documentation says nothing that is not so: its commands exist, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
DECISION = re.compile(r"(\d{4})-[a-z0-9-]+\.md")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands(page: Path, program: str) -> list[str]:
    """Every command line of ``program`` that a page shows, in a fenced block or between backticks."""
    text = text_of(page)
    lines = [line for block in FENCE.finditer(text) for line in block["body"].splitlines()]
    lines += INLINE.findall(FENCE.sub("", text))
    start = re.compile(rf"^(?:[$>] )?(?:[A-Z_]+=\S* )*(?:\S*[/\\])?{program}(?= |$)(?P<rest>.*)")
    found = (start.match(line.strip()) for line in lines)
    return [match["rest"].split(" #")[0].split(" | ")[0].strip() for match in found if match]


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE))


@cache
def accepts(arguments: str) -> str:
    """What the command line objects to in these arguments; empty when it knows them all."""
    program = shutil.which("ml-connector", path=str(Path(sys.executable).parent))
    assert program, "the project is not installed: make setup"
    answer = subprocess.run(
        [program, *shlex.split(arguments), "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )
    return "" if answer.returncode == 0 else answer.stderr.strip() or f"exit {answer.returncode}"


def anchors(page: Path) -> set[str]:
    """The anchors a page's headings get: lower case, blanks as hyphens, other signs dropped."""
    headings = HEADING.findall(FENCE.sub("", text_of(page)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_make_command_in_the_docs_is_a_target(page: Path) -> None:
    """``make X`` on a page is a target that ``make help`` lists."""
    shown = {
        word
        for command in commands(page, "make")
        for word in command.split()
        if not word.startswith("-") and "=" not in word
    }
    assert shown <= targets()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_command_in_the_docs_is_understood(page: Path) -> None:
    """Every ``ml-connector ...`` on a page is a command with options that the command line knows."""
    objections = {command: accepts(command) for command in commands(page, "ml-connector")}
    assert {command: why for command, why in objections.items() if why} == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_internal_link_resolves(page: Path) -> None:
    """A link to another page, or to a heading on one, leads there."""
    links = LINK.findall(FENCE.sub("", text_of(page)))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inside if broken(page, link)] == []


def test_every_page_is_on_the_index() -> None:
    """A page that nobody can find is not documentation: docs/README.md links to each of them."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(text_of(index))}
    assert [
        name_of(page)
        for page in PAGES
        if page.is_relative_to(ROOT / "docs") and page != index and page.resolve() not in linked
    ] == []


def test_decisions_are_numbered_without_holes() -> None:
    """Decision records run 0001, 0002, ... : one that was withdrawn says so, and stays."""
    names = [DECISION.fullmatch(path.name) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert all(names), "a decision record is named NNNN-title.md"
    numbers = [int(name[1]) for name in names if name]
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_decision_says_context_choice_and_consequences() -> None:
    """A decision record has the three parts a later reader needs, in this order."""
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        parts = re.findall(r"^## (.+)$", text_of(path), re.MULTILINE)
        assert parts == ["Context", "Choice", "Consequences"], path.name


def test_each_make_target_has_its_line_in_help_and_its_script() -> None:
    """Every target that is not a file is listed by ``make help``, and every script it starts is there."""
    makefile = text_of(ROOT / "Makefile")
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].replace("\\", " ").split()) == targets()
    scripts = set(re.findall(r"\b(?:tests|benchmarks)/\w+\.py\b", makefile))
    assert sorted(script for script in scripts if not (ROOT / script).exists()) == []
