#!/usr/bin/env python3
"""A station's app in small: weighs goods in, never loses or doubles a receipt, and reads its own writes.

The rule is in `send`: a command gets its request_id once and is kept on disk with it *before* it is sent; whatever
happens to the call (no network, a deadline, a crash of this program), the same bytes are sent again. The service answers
a repeat with the first receipt. So run it again as often as you like: with the same outbox it records nothing twice.

Usage: python record_receipt.py [--server HOST:PORT] [--outbox FILE]
"""

import argparse
import random
import sys
import time
import uuid
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "target/examples/contracts"))

import grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.rpc.error_details_pb2 import ErrorInfo, LocalizedMessage  # noqa: E402
from grpc_status import rpc_status  # noqa: E402
from loopledger.client.v1.client_pb2 import RecordLine  # noqa: E402
from loopledger.common.v1 import vocabulary_pb2 as words  # noqa: E402
from loopledger.common.v1.occasion_pb2 import Occasion  # noqa: E402
from loopledger.common.v1.quantity_pb2 import BASE_UNIT_GRAM, UNIT_KILOGRAM, Quantity, UnitPrice  # noqa: E402
from loopledger.common.v1.terms_pb2 import ContractTerms, OutrightTerms  # noqa: E402
from loopledger.ledger.v1.income_pb2 import GetHouseholdIncomeRequest  # noqa: E402
from loopledger.ledger.v1.income_pb2_grpc import IncomeServiceStub  # noqa: E402
from loopledger.procurement.v1 import procurement_pb2 as procurement  # noqa: E402
from loopledger.procurement.v1.procurement_pb2_grpc import ProcurementServiceStub  # noqa: E402
from loopledger.station.v1 import station_pb2 as station  # noqa: E402
from loopledger.station.v1.station_pb2_grpc import StationServiceStub  # noqa: E402

COUNTY = "654224"
VILLAGE = "654224202207"
DEADLINE_SECONDS = 10
PAUSE_SECONDS_MAX = 30
# What says nothing of the command: it may be recorded or not, and the same request finds out.
TRY_AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}


class Refused(Exception):
    """The service understood the command and said no; sending it again changes nothing."""


class Outbox:
    """Commands that were decided to be sent, a line of JSON each: `loopledger record FILE` could send them, too."""

    def __init__(self, path):
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.kept = [json_format.Parse(line, RecordLine()) for line in lines]
        self.next = 0

    def keep(self, line):
        """The command as it was first kept, with the id that it then got."""
        if self.next == len(self.kept):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json_format.MessageToJson(line, indent=None) + "\n")
                file.flush()
            self.kept.append(line)
        self.next += 1
        return self.kept[self.next - 1]


def send(outbox, call, service, name, command):
    """Keeps the command, then sends it until it is answered."""
    command.request_id = str(uuid.uuid4())
    # A server may host several counties.
    command.county_code = COUNTY
    line = RecordLine()
    getattr(getattr(line, service), name).CopyFrom(command)
    kept = getattr(getattr(outbox.keep(line), service), name)
    pause = 0.1
    while True:
        try:
            return call(kept, timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            if error.code() not in TRY_AGAIN:
                raise Refused(explain(error)) from None
            print(f"{error.code().name}: sending {kept.request_id} again", file=sys.stderr)
        # Others try again, too: not all at once.
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


def explain(error):
    """What a person and a program can make of a refusal: its reason, and the sentence in Chinese."""
    status, said = rpc_status.from_call(error), [error.code().name]
    for detail in status.details if status else []:
        for kind, text in ((ErrorInfo, lambda info: info.reason), (LocalizedMessage, lambda text: text.message)):
            message = kind()
            if detail.Unpack(message):
                said.append(text(message))
    return " · ".join([*said, error.details()])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:7610")
    parser.add_argument("--outbox", type=Path, default=Path("outbox.jsonl"))
    args = parser.parse_args()
    outbox = Outbox(args.outbox)
    channel = grpc.insecure_channel(args.server)
    procure, stations = ProcurementServiceStub(channel), StationServiceStub(channel)
    today = Occasion(business_date=date.today().isoformat(), division_code=VILLAGE)

    household = send(outbox, procure.RegisterHousehold, "procurement", "register_household",
        procurement.RegisterHouseholdRequest(
            occasion=today, division_code=VILLAGE, category=words.HOUSEHOLD_CATEGORY_REGISTERED_POOR,
            members=[words.RELATION_HEAD, words.RELATION_SPOUSE]))
    coop = send(outbox, procure.RegisterParty, "procurement", "register_party",
        procurement.RegisterPartyRequest(
            occasion=today, kind=words.PARTY_KIND_COOPERATIVE, division_code=VILLAGE, label="鹰嘴豆合作社"))
    product = send(outbox, procure.RegisterProduct, "procurement", "register_product",
        procurement.RegisterProductRequest(
            occasion=today, code=f"chickpea-{coop.party_id[:8]}", name="鹰嘴豆",
            product_class=words.PRODUCT_CLASS_SPECIALITY, base_unit=BASE_UNIT_GRAM))
    # `after`: the station must know what procurement has just decided. Without it the two could race.
    opened = send(outbox, stations.OpenStation, "station", "open_station",
        station.OpenStationRequest(
            after=[coop.position], occasion=today, kind=words.PLACE_KIND_STATION, division_code=VILLAGE,
            operator_id=coop.party_id, label="呼喀拉盖村站"))
    collected = send(outbox, stations.CollectGoods, "station", "collect_goods",
        station.CollectGoodsRequest(
            after=[product.position], occasion=today, station_id=opened.station_id,
            producer_id=household.household_id, member_id=household.member_ids[0], product_id=product.product_id,
            receipt_number="0001", lot_label="0001",
            gross=Quantity(value=100, unit=UNIT_KILOGRAM), tare=Quantity(value=2, unit=UNIT_KILOGRAM),
            stated=station.StatedTerms(principal_id=coop.party_id, terms=ContractTerms(
                outright=OutrightTerms(price=UnitPrice(e4=92_000, per=UNIT_KILOGRAM))))))
    print(f"receipt {collected.receipt_id}, commit {collected.position.stream}/{collected.position.sequence}")

    # `at_least` with `consequences`: the purchase that follows from the receipt is in the answer.
    income = IncomeServiceStub(channel).GetHouseholdIncome(
        GetHouseholdIncomeRequest(
            county_code=COUNTY, at_least=[collected.position], consequences=True,
            household_id=household.household_id),
        timeout=DEADLINE_SECONDS)
    print(f"household {household.household_id} has earned {income.total.net_fen / 100:.2f} yuan")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as refused:
        sys.exit(f"refused: {refused}")
