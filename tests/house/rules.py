#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules of the tree that no compiler checks. Each is a function that yields what breaks it.

usage: rules.py SOURCE [PROGRAM...]
"""
import collections
import pathlib
import re
import subprocess
import sys

CODE = {'.c', '.h', '.cpp'}


def code_below(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob('*')):
            if path.suffix in CODE:
                yield path


def venues_are_named_in_their_folder_alone(root):
    """A venue's name stands in src/venue, the simulator, the benches' own venue, tests and configs."""
    names = [path.name for path in (root / 'src' / 'venue').iterdir() if path.is_dir()]
    pattern = re.compile('|'.join(names), re.IGNORECASE)
    allowed = (root / 'src' / 'venue', root / 'tools' / 'sim')
    for path in code_below(root, 'include', 'src', 'tools'):
        if any(folder in path.parents for folder in allowed):
            continue
        for number, line in enumerate(path.read_text().split('\n'), 1):
            if pattern.search(line):
                yield f'{path.relative_to(root)}:{number}: names a venue: {line.strip()}'


def config_knows_no_owner(root):
    """The config's folder names no section, choice or stage of anybody's."""
    owners = re.compile(r'"(\w+_config|feeds|cores|instance|ring_sizes|strategies)\.h"|\b(ma_cross|bookTicker|net_rx)\b')
    for path in code_below(root, 'src/config'):
        for number, line in enumerate(path.read_text().split('\n'), 1):
            if owners.search(line):
                yield f'{path.relative_to(root)}:{number}: the config knows an owner: {line.strip()}'


def header_names_are_unique(root):
    """An include path would decide which of two is meant."""
    places = collections.defaultdict(list)
    for path in code_below(root, 'bench', 'include', 'src', 'tests', 'tools'):
        if path.suffix == '.h' and 'node_modules' not in path.parts:
            places[path.name].append(str(path.relative_to(root)))
    for name, paths in places.items():
        if len(paths) > 1:
            yield f'{" and ".join(paths)}: two headers of one name'


def headers_are_included_by_their_names(root):
    """Folders may change; names stay."""
    by_a_path = re.compile(r'#include ".*/.*\.h"')
    for path in code_below(root, 'bench', 'include', 'src', 'tests', 'tools'):
        for number, line in enumerate(path.read_text().split('\n'), 1):
            if by_a_path.match(line):
                yield f'{path.relative_to(root)}:{number}: a path: {line.strip()}'


# Who may link what the engine and the tools beside it do without.
LIBRARIES = {'libcrypto.so': {'pinwheel-sim', 'pinwheel-bench'}, 'libssl.so': set()}


def libraries_are_linked_where_they_belong(_root):
    """Of the programs that were built."""
    for program in sys.argv[2:]:
        needed = subprocess.run(['readelf', '-d', program], check=True, capture_output=True, text=True).stdout
        for library, allowed in LIBRARIES.items():
            if library in needed and pathlib.Path(program).name not in allowed:
                yield f'{program} links {library}'


RULES = [venues_are_named_in_their_folder_alone, config_knows_no_owner, header_names_are_unique,
         headers_are_included_by_their_names, libraries_are_linked_where_they_belong]


def main():
    root = pathlib.Path(sys.argv[1])
    broken = [f'{rule.__name__}: {text}' for rule in RULES for text in rule(root)]
    print('\n'.join(broken) or f'{len(RULES)} rules hold')
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
