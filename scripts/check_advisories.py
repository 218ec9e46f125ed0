#!/usr/bin/env python3
"""Checks Cargo.lock against deny-advisories.toml: what concerns a locked version must be accepted in deny.toml, and what
is accepted there must still concern one.

Python 3.11 or newer, nothing else. Exit code 1 with a line for each thing that is wrong.
"""

import operator
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}


def number(version):
    """The numbers of a version; what follows a dash or a plus is left out."""
    return tuple(int(part) for part in re.split(r"[-+]", version)[0].split("."))


def matches(version, requirement):
    """Whether a version meets every part of a requirement, such as `>= 1.38.2, < 1.39.0`."""
    for part in requirement.split(","):
        found = re.fullmatch(r"\s*(>=|<=|>|<|=)\s*(\d+\.\d+\.\d+)\s*", part)
        if not found:
            raise SystemExit(f"deny-advisories.toml: {requirement!r} is no requirement that this script reads")
        if not COMPARE[found[1]](number(version), number(found[2])):
            return False
    return True


def concerns(advisory, package):
    """Whether an advisory is about this locked package."""
    if advisory["package"] != package["name"]:
        return False
    safe = advisory.get("patched", []) + advisory.get("unaffected", [])
    return not any(matches(package["version"], requirement) for requirement in safe)


def wrong(advisories, packages, accepted):
    """What is wrong, a line for each."""
    known = {advisory["id"] for advisory in advisories}
    found = {}
    for advisory in advisories:
        for package in packages:
            if concerns(advisory, package):
                found.setdefault(advisory["id"], []).append(f"{package['name']} {package['version']}")
    for identity, names in sorted(found.items()):
        if identity not in accepted:
            yield f"{identity} concerns {', '.join(names)}, and deny.toml does not accept it"
    for identity in sorted(accepted - set(found)):
        where = "concerns nothing that is locked" if identity in known else "is not in deny-advisories.toml"
        yield f"{identity} is accepted in deny.toml, and {where}"


def check_itself():
    """The rules by example: a check that can only say yes is none."""
    advisory = {"id": "A", "package": "p", "patched": [">= 1.2.0", ">= 1.0.9, < 1.1.0"], "unaffected": ["< 0.5.0"]}
    for version, expected in [
        ("1.2.0", False), ("1.1.9", True), ("1.0.9", False), ("1.0.10+x", False), ("0.4.9", False), ("0.5.0", True),
    ]:
        package = {"name": "p", "version": version}
        assert concerns(advisory, package) == expected, version
        assert bool(list(wrong([advisory], [package], set()))) == expected, version
        assert bool(list(wrong([advisory], [package], {"A"}))) != expected, version
    assert list(wrong([], [], {"B"})), "accepted and not known"


def load(name):
    with open(ROOT / name, "rb") as file:
        return tomllib.load(file)


def main():
    check_itself()
    copy = load("deny-advisories.toml")
    packages = load("Cargo.lock")["package"]
    accepted = {entry["id"] for entry in load("deny.toml")["advisories"]["ignore"]}
    lines = list(wrong(copy["advisory"], packages, accepted))
    for line in lines:
        print(line, file=sys.stderr)
    print(f"{len(copy['advisory'])} advisories as of {copy['date']}, {len(packages)} packages, {len(accepted)} accepted")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
