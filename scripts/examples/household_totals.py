#!/usr/bin/env python3
"""What every household earned, computed from the topics alone: a reader that has nothing of LoopLedger's but its
contracts (proto/) and the one admission rule (admission.py).

It reads every record that was in the topics when it started, keeps the admitted ones, and adds up:
  recognised  an accepted purchase; a settled consignment, gross less commission and charges
  received    payouts, less those that failed
One line of CSV per household, in fen. With --compare URL it asks the ledger for the same figures and exits with 1 if any
differs.

Usage: python household_totals.py --kafka HOST:PORT[,…] [--compare URL]
"""

import argparse
import csv
import sys
import uuid
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "target/examples/contracts"))

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition  # noqa: E402
from loopledger.common.v1.vocabulary_pb2 import PARTY_KIND_HOUSEHOLD, SETTLEMENT_MODE_COMMISSION  # noqa: E402
from loopledger.procurement.event.v1 import events_pb2 as procurement  # noqa: E402
from loopledger.sales.event.v1 import events_pb2 as sales  # noqa: E402

from admission import Admission, decode  # noqa: E402

# Money of households is decided by two services; the others' topics say nothing of it.
TOPICS = ("loopledger.procurement.v1", "loopledger.sales.v1")
PATIENCE_SECONDS = 30


def records(brokers):
    """Every record of the topics as they are now: (topic, partition, partition count, bytes), in log order."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            # Needed by the client; nothing is committed to it.
            "group.id": "household-totals",
            "enable.auto.commit": False,
            # The default leaves out records of aborted transactions: a reader that leaves records out admits others.
            "isolation.level": "read_uncommitted",
            "auto.offset.reset": "error",
            "check.crcs": True,
            "enable.partition.eof": True,
        }
    )
    try:
        topics = consumer.list_topics(timeout=PATIENCE_SECONDS).topics
        missing = [topic for topic in TOPICS if topic not in topics]
        if missing:
            sys.exit(f"{brokers} has no topic {', '.join(missing)}")
        counts = {topic: len(topics[topic].partitions) for topic in TOPICS}
        places = [(topic, number) for topic, count in counts.items() for number in range(count)]
        # By hand: a group's rebalance may lose its place.
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for topic, number in places])
        unread = set(places)
        while unread:
            message = consumer.poll(PATIENCE_SECONDS)
            if message is None:
                sys.exit(f"{brokers} said nothing for {PATIENCE_SECONDS} s")
            if message.error() is None:
                yield message.topic(), message.partition(), counts[message.topic()], message.value() or b""
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()


class Totals:
    """What each household earned, in fen."""

    def __init__(self):
        self.households = defaultdict(lambda: {"gross": 0, "cost": 0, "received": 0})

    def add(self, party, **amounts):
        if party.kind == PARTY_KIND_HOUSEHOLD:
            sums = self.households[str(uuid.UUID(bytes=party.id))]
            for name, amount in amounts.items():
                sums[name] += amount

    def household_registered(self, event):
        self.households[str(uuid.UUID(bytes=event.household))]

    def purchase_accepted(self, event):
        self.add(event.producer, gross=event.amount)

    def consignment_settled(self, event):
        for line in event.lines:
            charges = sum(charge.amount for charge in line.charges)
            # The margin of agreed-price goods is the consignee's affair: the producer gets its price, less charges.
            commission = line.commission if line.mode == SETTLEMENT_MODE_COMMISSION else 0
            self.add(line.producer, gross=line.net + commission + charges, cost=commission + charges)

    def payout_made(self, event):
        self.add(event.payee, received=event.amount)

    def payout_failed(self, event):
        self.add(event.original.payee, received=-event.original.amount)


FOLD = {
    "loopledger.procurement.event.v1.HouseholdRegistered": (procurement.HouseholdRegistered, Totals.household_registered),
    "loopledger.procurement.event.v1.PurchaseAccepted": (procurement.PurchaseAccepted, Totals.purchase_accepted),
    "loopledger.procurement.event.v1.PayoutMade": (procurement.PayoutMade, Totals.payout_made),
    "loopledger.procurement.event.v1.PayoutFailed": (procurement.PayoutFailed, Totals.payout_failed),
    "loopledger.sales.event.v1.ConsignmentSettled": (sales.ConsignmentSettled, Totals.consignment_settled),
}


def fold(brokers):
    """The totals, the heads they were computed at, and how many records were void."""
    totals, admissions, voids = Totals(), {}, 0
    for topic, partition, count, record in records(brokers):
        admission = admissions.setdefault((topic, partition), Admission(topic, partition, count))
        if admission.admit(record)[0] is not None:
            voids += 1
            continue
        for event in decode(record)["events"]:
            message, add = FOLD.get(event["type_url"].rpartition("/")[2], (None, None))
            if message is not None:
                add(totals, message.FromString(event.get("value", b"")))
    heads = {stream: head for admission in admissions.values() for stream, head in admission.heads.items()}
    return totals.households, heads, voids


def ledger_totals(url, heads):
    """What the ledger says, at those heads or later."""
    import grpc
    from loopledger.common.v1.position_pb2 import Position
    from loopledger.ledger.v1.income_pb2 import ListDivisionIncomeRequest
    from loopledger.ledger.v1.income_pb2_grpc import IncomeServiceStub

    # By county: an answer is of one, and so are the positions that it must include.
    at_least = {}
    for stream, head in heads.items():
        position = Position(stream=stream, sequence=head[0], hash=head[1])
        at_least.setdefault(stream.rpartition("/")[2], []).append(position)
    found = {}
    with grpc.insecure_channel(url.removeprefix("http://")) as channel:
        income = IncomeServiceStub(channel)
        for county, positions in sorted(at_least.items()):
            request = ListDivisionIncomeRequest(
                county_code=county, at_least=positions, division_code=county, page_size=1000)
            while True:
                answer = income.ListDivisionIncome(request, timeout=PATIENCE_SECONDS)
                for row in answer.rows:
                    sums = row.sums
                    found[row.household.household_id] = {
                        "gross": sums.gross_fen,
                        "cost": sums.cost_fen,
                        "received": sums.received_fen,
                    }
                if not answer.next_page_token:
                    break
                request.page_token = answer.next_page_token
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", required=True, metavar="BROKERS", help="host:port, separated by commas")
    parser.add_argument("--compare", metavar="URL", help="a projection to compare with, e.g. http://127.0.0.1:7614")
    args = parser.parse_args()

    households, heads, voids = fold(args.kafka)
    if args.compare:
        theirs = ledger_totals(args.compare, heads)
        different = [id for id in sorted(households | theirs) if households.get(id) != theirs.get(id)]
        for id in different:
            print(f"{id}: the topics say {households.get(id)}, the ledger {theirs.get(id)}", file=sys.stderr)
        print(f"{len(households)} households, {voids} void records, {len(different)} differences")
        return 1 if different else 0
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["household_id", "gross_fen", "cost_fen", "net_fen", "received_fen"])
    for id, sums in sorted(households.items()):
        rows.writerow([id, sums["gross"], sums["cost"], sums["gross"] - sums["cost"], sums["received"]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
