"""The admission rule of LoopLedger's topics, in Python with the standard library alone: copy it.

A record is admitted iff it is a canonical envelope of at most 60 KiB, its stream belongs to the topic and lies in this
partition, and it extends its stream's head: the next sequence, chained to the head's hash. Every other record is void:
ignored by every reader, for ever. Feed every record of a partition in log order to `Admission.admit`, and read
uncommitted: a reader that leaves records out admits others.

Written from docs/design.md §1 and §2, not from LoopLedger's code: another parser, another murmur2, another admission. The vectors in
crates/chain/vectors run on both (scripts/check_chain_vectors.py).
"""

import hashlib
import re

RECORD_BYTES_MAX = 60 * 1024
ZERO_HASH = bytes(32)
STREAM = re.compile(r"(procurement|station|distribution|sales|ledger)/([1-9][0-9]{5})")
TOPIC = re.compile(r"loopledger\.(procurement|station|distribution|sales|ledger)\.v1")
TYPE_PREFIX = "type.googleapis.com/"
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class NotCanonical(Exception):
    """The record is not a canonical envelope."""


def demand(condition, why):
    if not condition:
        raise NotCanonical(why)


# --- protobuf, canonical form only ---------------------------------------------------------------------------------


def read_varint(data, at):
    end = at
    while end < len(data) and data[end] & 0x80:
        end += 1
    demand(end < len(data), "truncated varint")
    value = 0
    for byte in reversed(data[at : end + 1]):
        value = value << 7 | byte & 0x7F
    demand(value < 1 << 64, "varint of more than 64 bits")
    demand(end == at or data[end] != 0, "varint not minimal")
    return value, end + 1


def read_message(data, schema):
    """Returns {name: value or list}. `schema`: number -> (name, kind, is it repeated?)."""
    fields, at, last = {}, 0, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        demand(number in schema, "unknown field")
        name, kind, repeated = schema[number]
        demand(number > last or (number == last and repeated), "order")
        last = number
        if kind == "uint":
            demand(wire_type == 0, "wire type")
            value, at = read_varint(data, at)
            demand(value != 0, "default written out")
        else:
            demand(wire_type == 2, "wire type")
            length, at = read_varint(data, at)
            demand(length <= len(data) - at, "truncated")
            value, at = data[at : at + length], at + length
            if kind == "hash":
                demand(len(value) == 32, "length of a hash")
            elif kind == "bytes":
                demand(value, "default written out")
            elif kind == "text":
                demand(value, "default written out")
                value = read_text(value)
            else:
                value = read_message(value, kind)
        if repeated:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    return fields


def read_text(value):
    try:
        return value.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise NotCanonical("UTF-8") from None


CAUSE = {1: ("stream", "text", False), 2: ("sequence", "uint", False), 3: ("hash", "hash", False)}
ACTOR = {1: ("subject", "text", False), 2: ("role", "text", False)}
TIMESTAMP = {1: ("seconds", "uint", False), 2: ("nanos", "uint", False)}
ANY = {1: ("type_url", "text", False), 2: ("value", "bytes", False)}
HEAD = {1: ("stream", "text", False), 2: ("sequence", "uint", False)}
COMMIT = {
    1: ("stream", "text", False),
    2: ("sequence", "uint", False),
    3: ("previous_hash", "hash", False),
    4: ("request_id", "text", False),
    5: ("request_digest", "hash", False),
    6: ("cause", CAUSE, False),
    7: ("actor", ACTOR, False),
    8: ("recorded_at", TIMESTAMP, False),
    9: ("events", ANY, True),
    10: ("upstream", HEAD, True),
}


def require(fields, *names):
    for name in names:
        demand(name in fields, f"{name} is missing")


def stream_of(name):
    demand(STREAM.fullmatch(name), "name of a stream")
    return name


def decode(record):
    commit = read_message(record, COMMIT)
    require(commit, "stream", "sequence", "previous_hash", "request_digest", "recorded_at", "events")
    stream_of(commit["stream"])
    if "cause" in commit:
        require(commit["cause"], "stream", "sequence", "hash")
        stream_of(commit["cause"]["stream"])
    if "actor" in commit:
        require(commit["actor"], "subject")
    seconds = commit["recorded_at"].get("seconds", 0)
    nanos = commit["recorded_at"].get("nanos", 0)
    demand((seconds, nanos) > (0, 0) and seconds <= LAST_SECOND and nanos < 10**9, "recorded_at")
    for event in commit["events"]:
        require(event, "type_url")
        url = event["type_url"]
        demand(url.startswith(TYPE_PREFIX) and len(url) > len(TYPE_PREFIX), "type of an event")
    names = []
    for head in commit.get("upstream", []):
        require(head, "stream", "sequence")
        names.append(stream_of(head["stream"]).encode())
    demand(all(a < b for a, b in zip(names, names[1:])), "order of upstream heads")
    return commit


# --- partitions ----------------------------------------------------------------------------------------------------


def murmur2(data):
    """Kafka's murmur2, as in org.apache.kafka.common.utils.Utils."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(county, count):
    return (murmur2(county.encode()) & 0x7FFFFFFF) % count


# --- admission -----------------------------------------------------------------------------------------------------


def leaf_hash(record):
    return hashlib.sha256(b"\0" + record).digest()


class Admission:
    def __init__(self, topic, partition, partition_count):
        match = TOPIC.fullmatch(topic)
        assert match and 0 <= partition < partition_count, "a log has a topic and a partition of it"
        self.service, self.partition, self.partition_count = match[1], partition, partition_count
        self.heads = {}  # stream -> (sequence, hash)

    def admit(self, record):
        """Returns (None, stream, sequence, hash) of an admitted record, or (reason,) of a void one."""
        if len(record) > RECORD_BYTES_MAX:
            return ("oversized",)
        try:
            commit = decode(record)
        except NotCanonical:
            return ("not_canonical",)
        stream = commit["stream"]
        service, county = stream.split("/")
        if service != self.service:
            return ("foreign_topic",)
        if partition_of(county, self.partition_count) != self.partition:
            return ("foreign_partition",)
        sequence, head_hash = self.heads.get(stream, (0, ZERO_HASH))
        if commit["sequence"] != sequence + 1:
            return ("sequence",)
        if commit["previous_hash"] != head_hash:
            return ("previous_hash",)
        self.heads[stream] = (commit["sequence"], leaf_hash(record))
        return (None, stream, *self.heads[stream])
