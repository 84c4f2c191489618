#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the single tests of meson test runs: count_tests.py TESTLOG.json...

Prints "FAILED name" and what TAP says of it for each test program that failed, "SKIPPED name" for those that skipped
something, then three numbers: passed, failed, skipped. A Criterion program tells how many tests it ran, either by TAP
or by its last line; any other program counts as one test. A log that is missing or cut short counts as a failure: a
run that died must not look like one that passed.
"""
import json
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok\b(.*)$", re.MULTILINE)
TAP_SKIP = re.compile(r"# *skip\b *(.*)", re.IGNORECASE)
TAP_PLAN = re.compile(r"^1\.\.\d+", re.MULTILINE)
CRITERION_END = re.compile(r"Synthesis: Tested: \d+ \| Passing: (\d+) \| Failing: (\d+) \| Crashing: \d+")
CRITERION_SKIP = re.compile(r"^\[SKIP\] ", re.MULTILINE)


def skip_reasons(test):
    """Why tests of a program that speaks TAP were skipped, one for each. Those filtered out on its command line, which
    Criterion lists too, are none of its tests."""
    texts = [text for _, text in TAP_LINE.findall(test.get("stdout") or "")]
    reasons = [found.group(1) for found in map(TAP_SKIP.search, texts) if found]
    if "--filter" in test["command"]:
        reasons = [reason for reason in reasons if reason != "test was skipped"]
    return reasons


def count_program(test):
    """(passed, failed, skipped) of one program's log entry."""
    stdout, stderr = test.get("stdout") or "", test.get("stderr") or ""
    result = test["result"]
    passed = failed = skipped = 0
    ends = CRITERION_END.findall(stderr) + CRITERION_END.findall(stdout)
    if TAP_PLAN.search(stdout):
        skipped = len(skip_reasons(test))
        for wrong, text in TAP_LINE.findall(stdout):
            if TAP_SKIP.search(text):
                continue
            if wrong:
                failed += 1
            else:
                passed += 1
    elif ends:
        passed, failed = (int(word) for word in ends[-1])
        skipped = len(CRITERION_SKIP.findall(stderr + stdout))
    elif result == "SKIP":
        skipped = 1
    elif result in ("OK", "EXPECTEDFAIL"):
        passed = 1
    if result not in ("OK", "EXPECTEDFAIL", "SKIP") and failed == 0:
        failed = 1
    return passed, failed, skipped


def print_failure(test):
    """The program's name and, as meson prints only its standard error, its lines of TAP about failures."""
    print(f"FAILED {test['name']} ({test['result'].lower()})")
    telling = False
    for line in (test.get("stdout") or "").splitlines():
        telling = line.startswith("not ok") or (telling and not TAP_LINE.match(line))
        if telling:
            print(f"    {line}")


def main(paths):
    passed = failed = skipped = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as log:
                tests = [json.loads(line) for line in log if line.strip()]
        except (OSError, ValueError) as error:
            print(f"FAILED {path}: {error}")
            failed += 1
            continue
        for test in tests:
            counts = count_program(test)
            if counts[1] > 0:
                print_failure(test)
            if counts[2] > 0:
                reasons = "; ".join(sorted(set(skip_reasons(test))))
                print(f"SKIPPED {test['name']}: {counts[2]}{f' ({reasons})' if reasons else ''}")
            passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    print(passed, failed, skipped)


if __name__ == "__main__":
    main(sys.argv[1:])
