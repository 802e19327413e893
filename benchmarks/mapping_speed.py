"""Microseconds a customer costs in the mapping, by how its phone number is written.

Run: python benchmarks/mapping_speed.py [--records N]. Aim: at most 60 for a customer whose number can be read.
"""

from __future__ import annotations

import argparse
import itertools
import time
from importlib.resources import files
from typing import Any

from ml_connector.mapping.apply import compile_mapping
from ml_connector.mapping.load import load_mapping

NUMBERS = {
    "no number": ("", "US"),
    "international, clean": ("+120655{:05}", "US"),
    "national, United States": ("(206) 55{:.1}-{:.4}", "US"),
    "national, Germany": ("030 90{:05}", "DE"),
    "with extension (phonenumbers)": ("+1 206 55{:05} ext. 12", "US"),
    "not a number (phonenumbers)": ("ask for room {:05}", "US"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    records = parser.parse_args().records
    text = files("ml_connector.flows").joinpath("customers", "mapping.yaml").read_text(encoding="utf-8")
    mapping = compile_mapping(load_mapping(text, flow="customers", file_name="customers.yaml"))
    print(
        f"{len(mapping.targets)} properties from {len(mapping.sources)} fields, {records} different customers"
    )
    for title, (number, country) in NUMBERS.items():
        rows = [customer(index, number, country) for index in range(records)]
        mapping.apply(rows[0])
        cost = min(measured(mapping.apply, rows) for _ in itertools.repeat(None, 3))
        print(f"{title:32} {cost:6.1f} µs")


def measured(apply: Any, rows: list[dict[str, Any]]) -> float:
    begin = time.perf_counter()
    for row in rows:
        apply(row)
    return (time.perf_counter() - begin) / len(rows) * 1e6


def customer(index: int, number: str, country: str) -> dict[str, Any]:
    account = f"C-{index:06}"
    digits = f"{index:05}"[-5:]
    phone = f"(206) 55{digits[0]}-{digits[1:]}" if "{:.1}" in number else number.format(int(digits))
    return {
        "CustomerKey": f"usmf:{account}",
        "LegalEntity": "usmf",
        "CustomerAccount": account,
        "InvoiceAccount": "",
        "CustomerGroupId": "30",
        "SalesCurrencyCode": "USD",
        "PaymentTerms": "Net30",
        "OnHoldStatus": "No",
        "Status": "Active",
        "OrganizationName": f"Müller Pumps {index}" if index % 3 == 0 else f"Lakeside Pumps {index}",
        "KnownAs": "",
        "NameAlias": "Lakeside",
        "PrimaryContactPhone": phone,
        "PrimaryContactPhoneExtension": "",
        "PrimaryContactURL": f"https://www.lakeside-{index}.example" if index % 2 else "",
        "PrimaryContactEmail": f"office@lakeside-{index}.example",
        "AddressStreet": f"{index} Harbor Ave\nSuite 300",
        "AddressCity": "Seattle",
        "AddressState": "WA",
        "AddressZipCode": "98101",
        "AddressCountryRegionId": "USA" if country == "US" else "DEU",
        "AddressCountryRegionISOCode": country,
    }


if __name__ == "__main__":
    main()
