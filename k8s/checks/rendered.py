"""Overlays as kubectl renders them: as text, and as objects."""

import json
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
KUBECTL = "kubectl"


class Refused(Exception):
    """What a tool said instead of doing its work."""


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused((done.stderr or done.stdout).strip())
    return done.stdout


def render(folder):
    return run(KUBECTL, "kustomize", str(folder))


def documents(text):
    """The YAML documents of a rendered text, each a text."""
    return [document for document in text.split("\n---\n") if document.strip()]


def objects(text):
    """Objects of a YAML text. kubectl alone knows YAML here; an annotation is the change that it will print as JSON."""
    said = run(KUBECTL, "annotate", "--local", "-f", "-", "checks=rendered", "-o", "json", text=text)
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(said.rstrip()):
        parsed, end = decoder.raw_decode(said, at)
        found += parsed["items"] if parsed["kind"] == "List" else [parsed]
        at = end + len(said[end:]) - len(said[end:].lstrip())
    return found
