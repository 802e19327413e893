"""What may be called in F&O. Nothing of the general ledger is written, nothing is ever deleted."""

from __future__ import annotations

import re

from ml_connector.transport.wall import Rule, Wall

_KEY = r"\([A-Za-z0-9_='%,.~!:;@&$+ -]+\)"
BATCH = "/data/$batch"
ORDER_HEADERS = ("SalesOrderHeadersV2", "SalesOrderHeadersV3", "SalesOrderHeadersV4")
ORDER_LINES = ("SalesOrderLines", "SalesOrderLinesV3")


def _write(method: str, data_entity: str, key: str = "") -> Rule:
    return Rule(method, re.compile(rf"/data/{data_entity}{key}"), data_entity)


DYNAMICS_WALL = Wall(
    side="dynamics",
    reads=(
        Rule("GET", re.compile(r"/data/[A-Za-z][A-Za-z0-9_]*"), "rows"),
        Rule("GET", re.compile(rf"/data/[A-Za-z][A-Za-z0-9_]*{_KEY}"), "row"),
        Rule("POST", re.compile(r"/[A-Za-z0-9.-]+/oauth2/v2\.0/token"), "token"),
        # the one action: it writes down a set of dimensions as text, and changes nothing
        Rule(
            "POST",
            re.compile(r"/data/DimensionSets/Microsoft\.Dynamics\.DataEntities\.getSetDisplayValue"),
            "getSetDisplayValue",
        ),
    ),
    writes=(
        _write("POST", "CustomersV3"),
        _write("PATCH", "CustomersV3", _KEY),
        *(_write("POST", data_entity) for data_entity in ORDER_HEADERS),
        *(_write("POST", data_entity) for data_entity in ORDER_LINES),
    ),
    together=BATCH,
)
