"""How fast the twins answer over real sockets: batch upserts, listed rows, reads by key.

    python -m benchmarks.twin [--seconds 3]

The twins are a process of their own; the requests are made beforehand and sent by a client that does nothing but read
the answers' lengths, over four connections.
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from benchmarks.commands import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 4
CUSTOMERS = 10_000
FIELDS = (
    *(
        "dataAreaId",
        "CustomerAccount",
        "OrganizationName",
        "CustomerGroupId",
        "SalesCurrencyCode",
        "PaymentTerms",
    ),
    *(
        "OnHoldStatus",
        "InvoiceAccount",
        "PrimaryContactEmail",
        "AddressStreet",
        "AddressCity",
        "AddressZipCode",
    ),
)


@dataclass(frozen=True)
class Work:
    """One kind of request: how to make the n-th, and how many things an answer stands for."""

    name: str
    url: str
    request: Callable[[int], bytes]
    worth: int
    aim: int
    unit: str


@contextmanager
def twins() -> Iterator[dict[str, Any]]:
    """A twin process; yields its announcement."""
    arguments = [
        *("twin", "serve", "--dynamics-port", "0", "--hubspot-port", "0", "--rep", "off"),
        *("--customers", str(CUSTOMERS), "--products", "10", "--hubspot-limit", "off"),
        *("--set", "daily_limit=0"),
    ]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def request(method: str, url: str, path: str, *, token: str, fields: Any = None) -> bytes:
    """One HTTP request as bytes."""
    body = b"" if fields is None else json.dumps(fields).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        f"host: {urlsplit(url).netloc}",
        f"authorization: Bearer {token}",
        "accept: application/json",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


class Connection:
    """One kept-open connection."""

    def __init__(self, url: str) -> None:
        self.socket = socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, sent: bytes) -> tuple[int, bytes]:
        """Send one request; the status and body of its answer."""
        self.socket.sendall(sent)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        parts, have = [body], len(body)
        while have < length:
            parts.append(self._more())
            have += len(parts[-1])
        return int(head.split(b" ", 2)[1]), b"".join(parts)

    def _more(self) -> bytes:
        data = self.socket.recv(1 << 20)
        if not data:
            raise SystemExit("the twin closed the connection")
        return data


def dynamics_token(twin: dict[str, Any]) -> str:
    """A token of the twin's Entra ID."""
    form = {
        "grant_type": "client_credentials",
        "client_id": twin["client_id"],
        "client_secret": twin["client_secret"],
        "scope": f"{twin['dynamics_url']}/.default",
    }
    body = urlencode(form).encode()
    head = (
        f"POST /{twin['tenant']}/oauth2/v2.0/token HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    _, answer = Connection(twin["authority"]).exchange(head.encode() + body)
    return str(json.loads(answer)["access_token"])


def make_key_property(twin: dict[str, Any]) -> None:
    """The unique property that upserts go by."""
    fields = {
        "name": "d365_customer_key",
        "label": "Key",
        "type": "string",
        "fieldType": "text",
        "groupName": "companyinformation",
        "hasUniqueValue": True,
    }
    url, token = twin["hubspot_url"], twin["hubspot_token"]
    made = request("POST", url, "/crm/properties/2026-03/companies", token=token, fields=fields)
    status, answer = Connection(url).exchange(made)
    if status != 201:
        raise SystemExit(f"the property was refused: {answer!r}")


def upsert(twin: dict[str, Any], number: int) -> bytes:
    """One hundred companies; every thousandth batch comes round again as an update."""
    inputs = []
    for place in range(100):
        key = f"usmf:C-{number % 1000:04}-{place:02}"
        inputs.append(
            {
                "id": key,
                "idProperty": "d365_customer_key",
                "objectWriteTraceId": f"{number}-{place}",
                "properties": {
                    "d365_customer_key": key,
                    "name": f"Harborview Milling {number}-{place}",
                    "domain": f"harborview{number}-{place}.example",
                    "phone": "+12065550134",
                    "address": f"{place} Foundry Street",
                    "city": "Seattle",
                    "state": "Washington",
                    "zip": "98101",
                    "country": "United States",
                    "website": "https://harborview.example",
                },
            }
        )
    path = "/crm/objects/2026-03/companies/batch/upsert"
    return request("POST", twin["hubspot_url"], path, token=twin["hubspot_token"], fields={"inputs": inputs})


def works(twin: dict[str, Any]) -> list[Work]:
    """What is measured."""
    url, token = twin["dynamics_url"], dynamics_token(twin)
    query = urlencode({"$select": ",".join(FIELDS), "$top": "5000", "cross-company": "true"})
    listing = request("GET", url, f"/data/CustomersV3?{query}", token=token)
    query = urlencode({"$select": "dataAreaId,CustomerAccount", "$top": "1000", "cross-company": "true"})
    _, answer = Connection(url).exchange(request("GET", url, f"/data/CustomersV3?{query}", token=token))
    keys = [(row["dataAreaId"], row["CustomerAccount"]) for row in json.loads(answer)["value"]]
    query = urlencode({"$select": ",".join(FIELDS), "cross-company": "true"})
    reads = [
        request(
            "GET",
            url,
            f"/data/CustomersV3(dataAreaId='{area}',CustomerAccount='{account}')?{query}",
            token=token,
        )
        for area, account in keys
    ]
    batches = [upsert(twin, number) for number in range(2000)]
    return [
        Work("upserts of 100 records", twin["hubspot_url"], lambda n: batches[n % 2000], 1, 400, "calls/s"),
        Work("listed rows, 12 properties", url, lambda _n: listing, 5000, 50_000, "rows/s"),
        Work("reads by key", url, lambda n: reads[n % len(reads)], 1, 1000, "reads/s"),
    ]


def measure(work: Work, seconds: float) -> float:
    """Answers a second, times what each stands for."""
    numbers, counts, lock = itertools.count(), [0] * CONNECTIONS, threading.Lock()
    ends_at = time.perf_counter() + seconds

    def drive(place: int) -> None:
        connection = Connection(work.url)
        while time.perf_counter() < ends_at:
            with lock:
                number = next(numbers)
            status, answer = connection.exchange(work.request(number))
            if status != 200:
                raise SystemExit(f"{work.name}: status {status}: {answer[:300]!r}")
            counts[place] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=drive, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) * work.worth / (time.perf_counter() - began)


def main() -> int:
    """Measure; exit 1 when an aim was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    met = True
    with twins() as twin:
        make_key_property(twin)
        for work in works(twin):
            rate = measure(work, seconds)
            met = met and rate >= work.aim
            verdict = "met" if rate >= work.aim else "MISS"
            print(f"{work.name:28} {rate:10,.0f} {work.unit:8} aim {work.aim:7,} {verdict}", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
