"""Ordered rules for one value: the first whose conditions fit and that has something to say decides.

A rule is a constant or a fact of the deal, perhaps looked up in a table beside the file. ``orders.yaml`` uses rules
for what a clerk would decide (which legal entity, site, customer group), ``dimensions.yaml`` for every dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, Field, model_validator

from ml_connector.domain.text import normalise
from ml_connector.errors import ConfigurationError
from ml_connector.mapping.model import RULES, Name, Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What a rule may look at. A fact with a dot is a property of that object, by its name in its own system.
OBJECTS = ("deal", "company", "line", "product", "owner", "customer")
FACTS = ("pipeline", "legal_entity", "currency")


class Rule(BaseModel):
    """One rule: ``when`` all conditions fit, the constant ``value``, or the fact ``source``."""

    model_config = RULES
    when: dict[Name, Names] = Field(default_factory=dict)  # a fact, and the words it may have; * is any text
    value: str = ""
    source: Name | None = None
    table: Name | None = None
    note: str = ""
    line: Annotated[int, Field(repr=False)] = 0  # of the file, for messages

    @property
    def always(self) -> bool:
        """Whether it gives its constant for every deal."""
        return bool(self.value) and not self.when

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts the rule looks at."""
        return (*self.when, self.source) if self.source else tuple(self.when)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.value) == bool(self.source):
            raise ValueError("a rule has either 'value', a constant, or 'source', a fact of the deal")
        if self.table and not self.source:
            raise ValueError("'table' looks up what 'source' says, so it needs a 'source'")
        unknown = next((fact for fact in self.facts if not is_fact(fact)), None)
        if unknown is not None:
            raise ValueError(
                f"'{unknown}' is no fact; a fact is {', '.join(FACTS)}, or a property such as deal.dealtype, "
                f"after one of {', '.join(OBJECTS)}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule gave, and which one, in words."""

    value: str
    rule: str
    line: int


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of one file with the tables beside it, ready to be asked."""

    file_name: str
    rules: Mapping[str, tuple[Rule, ...]]
    tables: Mapping[str, Mapping[str, str]]

    def ask(self, name: str, facts: Mapping[str, str]) -> Ruled | None:
        """The first rule of this name that has something to say; None when none has.

        Args:
            name: Of the rules, such as ``site``.
            facts: As ``facts_of`` names them; one that is missing is empty.
        """
        for rule in self.rules.get(name, ()):
            if fits(rule, facts):
                value = self._said(rule, facts)
                if value:
                    return Ruled(value, self._in_words(name, rule, facts), rule.line)
        return None

    def _said(self, rule: Rule, facts: Mapping[str, str]) -> str:
        if rule.source is None:
            return rule.value
        found = facts.get(rule.source, "")
        if rule.table is None or not found:
            return found
        return self.tables[rule.table].get(self._word(rule.table, found), "")

    def _word(self, table: str, found: str) -> str:
        """How a table spells a fact: to the letter, else case and outer blanks aside, as in conditions."""
        words = self.tables[table]
        folded = _folded(found)
        return found if found in words else next((word for word in words if _folded(word) == folded), "")

    def _in_words(self, name: str, rule: Rule, facts: Mapping[str, str]) -> str:
        """``orders.yaml, line 41: site, because pipeline is Europe (sites.csv, line 3)``."""
        looked_at = dict.fromkeys(rule.facts)
        because = " and ".join(f"{fact} is {facts.get(fact, '')}" for fact in looked_at)
        said = f"{self.file_name}, line {rule.line}: {name}" + (f", because {because}" if because else "")
        return said + (
            f" ({self._place(rule.table, facts.get(rule.source or '', ''))})" if rule.table else ""
        )

    def _place(self, table: str, found: str) -> str:
        lines: Mapping[str, int] = getattr(self.tables[table], "lines", {})
        line = lines.get(self._word(table, found))
        return f"{table}.csv" + (f", line {line}" if line else "")


@dataclass(frozen=True, slots=True)
class DimensionRules:
    """``dimensions.yaml``, ready to be asked: a book each for the header and for lines, by names of dimensions."""

    mandatory: Mapping[str, tuple[str, ...]]  # legal entity, lower-case -> names of dimensions
    header: RuleBook
    line: RuleBook

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """All rules, for what must be read."""
        books = (self.header, self.line)
        return tuple(rule for book in books for rules in book.rules.values() for rule in rules)


def fits(rule: Rule, facts: Mapping[str, str]) -> bool:
    """Whether every condition of a rule holds; case and outer blanks aside."""
    return all(any(is_word(facts.get(fact, ""), word) for word in words) for fact, words in rule.when.items())


def is_word(text: str, word: str) -> bool:
    """Whether a fact is what a condition names; ``*`` is any text, case and outer blanks do not count."""
    return fnmatchcase(_folded(text), _folded(word))


def is_fact(name: str) -> bool:
    """Whether a rule may look at this."""
    head, _, rest = name.partition(".")
    return (head in OBJECTS and bool(rest)) if rest else name in FACTS


def wanted_properties(rules: Iterable[Rule], head: str) -> tuple[str, ...]:
    """The properties of one kind of object that rules look at: of ``deal.dealtype`` the ``dealtype``."""
    names = (fact.partition(".") for rule in rules for fact in rule.facts)
    return tuple(dict.fromkeys(rest for first, _, rest in names if first == head and rest))


def require_tables(book: RuleBook) -> None:
    """Every table that a rule names is there.

    Raises:
        ConfigurationError: naming the line.
    """
    for name, rules in book.rules.items():
        for rule in rules:
            if rule.table is not None and rule.table not in book.tables:
                raise ConfigurationError(
                    f"{book.file_name}, line {rule.line}: the table {rule.table}.csv for {name} is not there.",
                    code="configuration.mapping",
                    hint=f"Put {rule.table}.csv beside {book.file_name}, two columns with a title row.",
                )


def _folded(text: str) -> str:
    return normalise(text).casefold()
