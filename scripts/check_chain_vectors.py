#!/usr/bin/env python3
"""Runs crates/chain/vectors/admission.json with a second, independent implementation of the rule: the one that
consumers may copy, scripts/examples/admission.py.

Only verdict, hash and sequence are compared; which of several faults in a record an implementation names is not part
of the rule. Exits with 1 if any verdict differs. Standard library alone.

Usage: check_chain_vectors.py [vectors.json]
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "examples"))

from admission import Admission, leaf_hash  # noqa: E402


def expected(entry):
    if entry["verdict"] == "admitted":
        return (None, entry["stream"], int(entry["sequence"]), bytes.fromhex(entry["hash"]))
    assert entry["verdict"] == "void", entry["verdict"]
    return (entry["reason"],)


def check_log(log):
    """Yields a line for every verdict that differs."""
    admission = Admission(log["topic"], log["partition"], log["partition_count"])
    for head in log["resume"]:
        admission.heads[head["stream"]] = (int(head["sequence"]), bytes.fromhex(head["hash"]))
    for index, entry in enumerate(log["records"]):
        record = bytes.fromhex(entry["hex"]) + bytes(entry.get("then_zeros", 0))
        verdict = admission.admit(record)
        if verdict != expected(entry):
            yield f"{log['name']}: record {index} ({entry['note']}): {verdict} instead of {expected(entry)}"


def check_mutants(mutants):
    record = bytes.fromhex(mutants["hex"])
    admitted = bytearray()
    for place, byte in enumerate(record):
        for flip in range(1, 256):
            mutant = record[:place] + bytes([byte ^ flip]) + record[place + 1 :]
            admission = Admission(mutants["topic"], mutants["partition"], mutants["partition_count"])
            admitted.append(admission.admit(mutant)[0] is None)
    found = (sum(admitted), leaf_hash(bytes(admitted)).hex())
    if found != (mutants["admitted"], mutants["digest"]):
        yield f"mutants: {found} instead of {(mutants['admitted'], mutants['digest'])}"
    print(f"{len(admitted)} mutants of one record, {found[0]} admitted")


def main():
    default = Path(__file__).resolve().parent.parent / "crates/chain/vectors/admission.json"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    vectors = json.loads(path.read_text(encoding="utf-8"))
    if vectors["version"] != 1 or not vectors["logs"]:
        sys.exit(f"{path}: not the vectors that this script knows")
    differences = [line for log in vectors["logs"] for line in check_log(log)]
    differences += check_mutants(vectors["mutants"])
    records = sum(len(log["records"]) for log in vectors["logs"])
    print(f"{len(vectors['logs'])} logs, {records} records, {len(differences)} differences")
    for line in differences:
        print(line, file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
