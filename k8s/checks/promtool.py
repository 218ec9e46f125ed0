#!/usr/bin/env python3
"""Checks the alerts, and runs their tests (alerts.yaml). Usage: promtool.py PROMTOOL FOLDER…, each an overlay."""

import json
import sys
import tempfile
from pathlib import Path

from rendered import Refused, objects, render, run

TESTS = Path(__file__).resolve().parent / "alerts.yaml"


def check(things, tool):
    groups = [group for thing in things if thing["kind"] == "PrometheusRule" for group in thing["spec"]["groups"]]
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML.
        rules = Path(folder) / "rules.yaml"
        rules.write_text(json.dumps({"groups": groups}))
        run(tool, "check", "rules", "--lint-fatal", str(rules))
        tests = Path(folder) / "tests.yaml"
        tests.write_text(f"rule_files: [rules.yaml]\n{TESTS.read_text()}")
        return run(tool, "test", "rules", str(tests))


def main():
    tool, *folders = sys.argv[1:]
    for folder in folders:
        try:
            check(objects(render(folder)), tool)
        except Refused as refusal:
            print(f"broken   {folder}\n{refusal}")
            return 1
        print(f"holds    {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
