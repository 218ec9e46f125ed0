#!/usr/bin/env python3
"""Runs the examples against real servers, so that they stay true: `up` on the embedded log, and on a real broker.

Needs what scripts/test prepares: the debug binary, grpcurl and buf on the PATH, and the interpreter of `setup`. Without
Kafka it fails: a skipped example would be an untested one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from confluent_kafka import Producer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = ROOT / "target/debug/loopledger"
PATIENCE_SECONDS = 120


def run(*command, **options):
    """Runs to the end, and expects success."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE_SECONDS, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


class Server:
    """A running `up`."""

    def __init__(self, data, *options, listen="127.0.0.1:0"):
        command = [BINARY, "up", "--data", data, "--listen", listen, "--metrics", "127.0.0.1:0", *options]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        self.address = None
        for line in self.process.stdout:
            if "gRPC " in line:
                self.address = line.split("gRPC ")[1].split()[0]
            if line.startswith("就绪"):
                return
        raise AssertionError("the server ended before it was ready")

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        self.process.stdout.close()
        self.process.wait(PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


class Embedded(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_calls_answer_as_they_are_printed(self):
        with Server(self.folder / "data") as server:
            first = run(HERE / "calls", server.address)
            for expected in ("loopledger.station.v1.StationService", '"status": "SERVING"', '"partyId"', "type.googleapis.com/google.rpc.BadRequest", '"ledgerDigest"'):
                self.assertIn(expected, first)
            again = run(HERE / "calls", server.address)
            named = r'"(?:partyId|requestId|id)": "[^"]+"'
            self.assertEqual(re.findall(named, first), re.findall(named, again), "a repeat finds the first receipt")
            status = json.loads(again[again.rindex('{\n  "streams"') :])
            self.assertEqual(status["streams"][0]["sequence"], "3", "three parties, however often they are sent")

    def test_a_receipt_is_recorded_once_whatever_happens_to_the_server(self):
        data, outbox = self.folder / "data", self.folder / "outbox.jsonl"
        server = Server(data)
        command = [sys.executable, HERE / "record_receipt.py", "--server", server.address, "--outbox", outbox]
        first = run(*command)
        self.assertIn("has earned 901.60 yuan", first)
        server.end(signal.SIGKILL)
        # The server is down: the client keeps trying until it is back.
        trying = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("sending", trying.stderr.readline())
        with Server(data, listen=server.address) as server:
            said, _ = trying.communicate(timeout=PATIENCE_SECONDS)
            self.assertEqual((trying.returncode, said), (0, first), "the same receipt, and nothing earned twice")
            status = json.loads(run(BINARY, "status", "--format", "json", "--server", f"http://{server.address}"))
            sequences = {stream["stream"]: stream["sequence"] for stream in status["streams"]}
            self.assertEqual(sequences["station/654224"], 3, "a station, a receipt, and the release of its goods")


class OnKafka(unittest.TestCase):
    def test_a_reader_that_is_not_ours_finds_the_same_totals(self):
        with tempfile.TemporaryDirectory() as folder:
            kafka = [ROOT / "scripts/kafka", "up", "--data", Path(folder) / "kafka", "--for", os.getpid()]
            brokers = next(line for line in run(*kafka).splitlines() if line.startswith("bootstrap=")).partition("=")[2]
            run(BINARY, "topics", "create", "--kafka", brokers)
            with Server(Path(folder) / "data", "--kafka", brokers) as server:
                url = f"http://{server.address}"
                self.produce_nonsense(brokers)
                run(BINARY, "demo", "--households", "60", "--weeks", "30", "--server", url)
                said = run(sys.executable, HERE / "household_totals.py", "--kafka", brokers, "--compare", url)
                self.assertRegex(said, r"^60 households, [1-9][0-9]* void records, 0 differences$")
                table = run(sys.executable, HERE / "household_totals.py", "--kafka", brokers).splitlines()
                earned = [row for row in table[1:] if row.split(",")[3] != "0"]
                self.assertGreater(len(earned), 10, "the comparison was of something")

    @staticmethod
    def produce_nonsense(brokers):
        producer = Producer({"bootstrap.servers": brokers})
        for topic in ("loopledger.procurement.v1", "loopledger.sales.v1"):
            for value in (b"nonsense", b"", bytes(70_000)):
                producer.produce(topic, value, partition=0)
                producer.produce(topic, value, key=b"654224")
        assert producer.flush(PATIENCE_SECONDS) == 0


if __name__ == "__main__":
    unittest.main()
