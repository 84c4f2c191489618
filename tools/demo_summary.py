#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints how the demo went: demo_summary.py TOP.json SUMMARY.json LABEL, from `pinwheel top --json` and `journal
summary`. LABEL begins each line that says what is wrong.

Ends with 0 only if there were ticks, orders and fills, nothing was lost or invalid, and the journal has every fill.
"""
import json
import sys
from decimal import Decimal


def micros(nanoseconds):
    return f"{int(nanoseconds) / 1000:.1f} us"


def money(amount):
    return f"{amount.quantize(Decimal('0.01')):+,}"


def main(top_path, facts_path, label):
    with open(top_path, encoding="utf-8") as file:
        top = json.load(file)
    with open(facts_path, encoding="utf-8") as file:
        facts = json.load(file)
    metrics = {(row["group"], row["name"]): row["value"] for row in top["metrics"]}
    latency = {row["name"]: row for row in top["latency"]}
    account, feeds, positions = top["account"], top["feeds"], top["positions"]

    ticks = metrics["parse", "events"]
    stored, stored_bytes = metrics["journal", "events"], metrics["journal", "bytes_stored"]
    gaps = sum(feed["gap_cnt"] for feed in feeds)
    invalid = sum(feed["invalid_cnt"] for feed in feeds)
    dropped = sum(ring["dropped_cnt"] for ring in top["rings"]) + metrics["journal", "dropped"]
    realized = sum(Decimal(position["realized"]) for position in positions)
    unrealized = sum(Decimal(position["unrealized"]) for position in positions)
    fees = sum(Decimal(position["fees"]) for position in positions)
    journalled_fills = len(facts["fills"])

    print(f"ticks     {ticks:,} events from {metrics['parse', 'frames']:,} messages; {gaps} gaps, {invalid} invalid")
    print(f"orders    {account['order_cnt']:,} orders, {account['fill_cnt']:,} fills,"
          f" {account['denied_cnt']} denied, {account['rejected_cnt']} rejected")
    print(f"P&L       {money(realized + unrealized)}: realized {money(realized)} after {fees.quantize(Decimal('0.01'))}"
          f" of fees, unrealized {money(unrealized)}")
    for name, hop in (("tick_to_order", "tick to order"), ("hop.recv_to_execution", "socket to execution")):
        row = latency[name]
        if row["sample_cnt"] == 0:
            print(f"latency   {hop}: not measured")
            continue
        print(f"latency   {hop}: median {micros(row['p50_ns'])}, 99 % within {micros(row['p99_ns'])},"
              f" of {row['sample_cnt']:,}")
    print(f"journal   {stored:,} events in {stored_bytes:,} bytes ({stored_bytes / max(stored, 1):.1f} an event);"
          f" {journalled_fills} fills")
    print(f"memory    {top['memory']['note']}")

    wrong = [text for good, text in (
        (ticks > 0, "no ticks came"),
        (account["order_cnt"] > 0, "no order was placed"),
        (account["fill_cnt"] > 0, "no order was filled"),
        (gaps == 0 and dropped == 0, f"{gaps} gaps in the feeds, {dropped} events dropped"),
        (invalid == 0, f"{invalid} messages were invalid"),
        (metrics["journal", "sync_errors"] == 0, "a commit failed"),
        (journalled_fills >= account["fill_cnt"], f"the journal has {journalled_fills} fills of {account['fill_cnt']}"),
    ) if not good]
    for text in wrong:
        print(f"{label:<9} {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
