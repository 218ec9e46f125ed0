#!/usr/bin/env python3
"""Plants each mistake of mistakes/ in an overlay and shows that it is caught. Usage:
mistakes.py BINARY DRY_RUN PROMTOOL [NAME…]: a loopledger, the command that asks an API server about a file, promtool, and the
mistakes (all).

A mistake is a kustomization without its resources (k8s/overlays/county, unless it names another). Its first lines are comments:
what would happen, then who catches it, and a text that the refusal must contain."""

import re
import sys
import tempfile
from pathlib import Path

import promtool
from assertions import violations
from rendered import REPOSITORY, Refused, documents, objects, render, run

HERE = Path(__file__).resolve().parent
HEADER = re.compile(r"(?:# .*\n)+?# caught by: (api-server|assertions|promtool|kustomize): (.*)\n")


def planted(file, folder):
    """The overlay with the mistake in it."""
    overlay = Path("/".join([".."] * (len(folder.parts) - 1))) / str(REPOSITORY / "k8s/overlays/county").lstrip("/")
    text = file.read_text()
    (folder / "kustomization.yaml").write_text(f"resources: [{overlay}]\n{text}")
    return render(folder)


class Catchers:
    def __init__(self, binary, dry_run, tool):
        self.binary, self.dry_run, self.tool = binary, dry_run, tool
        self.sound = set(documents(render(REPOSITORY / "k8s/overlays/county")))

    def refusal(self, catcher, text, folder):
        """What is said against a text; empty if nothing is."""
        changed = [document for document in documents(text) if document not in self.sound]
        if not changed:
            raise SystemExit("the mistake changes nothing")
        if catcher == "assertions":
            return "\n".join(violations(objects(text), self.binary))
        try:
            if catcher == "promtool":
                promtool.check(objects(text), self.tool)
            else:
                file = folder / "changed.yaml"
                file.write_text("\n---\n".join(changed))
                run(self.dry_run, str(file))
        except Refused as refusal:
            return str(refusal)
        return ""


def main():
    catchers, names = Catchers(*sys.argv[1:4]), sys.argv[4:]
    files = sorted(file for file in (HERE / "mistakes").glob("*.yaml") if not names or file.stem in names)
    missed = 0
    for file in files:
        header = HEADER.match(file.read_text())
        if header is None:
            raise SystemExit(f"{file} does not say what would happen, and who catches it")
        catcher, wanted = header.groups()
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = catchers.refusal(catcher, planted(file, Path(folder)), Path(folder))
            except Refused as refusal:
                said = str(refusal) if catcher == "kustomize" else f"NOT RENDERED: {refusal}"
        is_caught = wanted in said and not said.startswith("NOT RENDERED")
        missed += not is_caught
        print(f"{'caught' if is_caught else 'MISSED':7} {file.stem} ({catcher})")
        if not is_caught:
            print(f"        wanted: {wanted}\n        said: {said or 'nothing'}")
    print(f"{len(files) - missed} of {len(files)} mistakes caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
