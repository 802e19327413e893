"""What stands in the files of the order flow: ``orders.yaml`` with rows and rules, ``dimensions.yaml`` with rules."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from ml_connector.mapping.model import RULES, FieldRow, MappingDocument, Name, Names
from ml_connector.mapping.rules import Rule

ORDERS: Literal["orders"] = "orders"
DIMENSIONS: Literal["dimensions"] = "dimensions"
RULE_SOURCE = "rules."  # a row reads what a rule gave: rules.site

Rules = dict[Name, tuple[Rule, ...]]


class OrderMappingDocument(BaseModel):
    """The order flow's mapping: a draft to a sales order header, its lines and, when needed, a new customer.

    ``rules`` hold what a clerk would decide; a row takes their values with a source such as ``rules.order_taker``.
    """

    model_config = RULES
    flow: Literal["orders"] = ORDERS
    header: tuple[FieldRow, ...] = Field(min_length=1)
    line: tuple[FieldRow, ...] = Field(min_length=1)
    customer: tuple[FieldRow, ...] = ()
    rules: Rules = Field(default_factory=dict)

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """Every row, header first."""
        return self.header + self.line + self.customer

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules of all names."""
        return tuple(rule for rules in self.rules.values() for rule in rules)

    @model_validator(mode="after")
    def _rules_are_there(self) -> OrderMappingDocument:
        for row in self.rows:
            for source in row.all_sources:
                name = source.removeprefix(RULE_SOURCE)
                if name != source and name not in self.rules:
                    raise ValueError(
                        f"the row for {row.target} reads {source}, and there are no rules of this name"
                    )
        return self


class DimensionDocument(BaseModel):
    """Which value each financial dimension gets, by rules; and which dimensions a legal entity cannot do without.

    Rules under ``line`` are for what depends on the product; a line begins with what the header has.
    """

    model_config = RULES
    flow: Literal["dimensions"] = DIMENSIONS
    mandatory: dict[Name, Names] = Field(default_factory=dict)  # legal entity -> names of dimensions
    header: Rules = Field(default_factory=dict)  # name of a dimension -> its rules
    line: Rules = Field(default_factory=dict)

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules of all dimensions."""
        return tuple(rule for part in (self.header, self.line) for rules in part.values() for rule in rules)

    @model_validator(mode="after")
    def _context_goes_first(self) -> DimensionDocument:
        """A constant for every deal ends the search: a rule behind it would never be asked."""
        for part in (self.header, self.line):
            for name, rules in part.items():
                last = next((place for place, rule in enumerate(rules, 1) if rule.always), len(rules))
                if last < len(rules):
                    raise ValueError(
                        f"the rules of {name} go on after one that always fits; put what depends on the deal first"
                    )
        return self


Document = MappingDocument | OrderMappingDocument
