#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that what the pages name is there: links.py ROOT. Relative links and their headings, and paths in `code`."""
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_PATH = re.compile(r"`(?:\./)?((?:configs|docs|include|src|tests|tools|bench|\.ci)/[\w./+-]*[\w/])`")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """The anchors of a page's headings, as hosts of Markdown make them."""
    headings = re.findall(r"^#+ +(.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def problems_of(page, root):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(FENCED.sub("", text)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = page.parent / path if path else page
        if not there.exists():
            yield f"link to {target}: no such file"
        elif anchor and anchor not in anchors_of(there):
            yield f"link to {target}: no such heading"
    for path in CODE_PATH.findall(text):
        if not (root / path).exists():
            yield f"`{path}`: no such file"


def main(root):
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    problems = [f"{page.relative_to(root)}: {problem}" for page in pages for problem in problems_of(page, root)]
    print("\n".join(problems) or f"{len(pages)} pages are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
