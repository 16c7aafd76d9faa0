#!/usr/bin/env python3
"""Writes frames/NAME.bin from frames/NAME.json by docs/protocol.md alone, without our C++ code.

With --check it writes nothing and exits 1 when a file differs.
"""
import json
import pathlib
import struct
import sys

KINDS = {
    "HELLO": 1, "SUBSCRIBE": 2, "UNSUBSCRIBE": 3, "SERVE": 4, "UNSERVE": 5, "PUBLISH": 6,
    "REQUEST": 7, "REPLY": 8, "CREDIT": 9, "WATCH": 10, "GOODBYE": 11, "PING": 12, "CANCEL": 13,
    "WELCOME": 65, "REFUSED": 66, "DONE": 67, "DENIED": 68, "DELIVER": 69, "ACK": 70, "GAP": 71,
    "CREDIT_GRANT": 72, "REQUEST_DELIVERY": 73, "REPLY_DELIVERY": 74, "FAILED": 75,
    "PRESENCE": 76, "PONG": 77, "CANCELLED": 78,
}

# The fixed part of each body: field and struct code; "16s" is hex text.
FIELDS = {
    "HELLO": [("version", "H"), ("flags", "H"), ("credit_messages", "I"), ("credit_bytes", "Q")],
    "PUBLISH": [("flags", "B")],
    "REQUEST": [("deadline_ms", "I")],
    "REPLY": [("status", "B")],
    "CREDIT": [("messages", "I")],
    "WELCOME": [("version", "H"), ("flags", "H"), ("epoch", "I"), ("instance", "16s"),
                ("payload_max", "I"), ("frame_max", "I"), ("credit_messages", "I"),
                ("credit_bytes", "Q")],
    "REFUSED": [("code", "B")],
    "DENIED": [("code", "B"), ("count", "I")],
    "DELIVER": [("time", "Q"), ("epoch", "I")],
    "ACK": [("count", "I")],
    "GAP": [("last", "Q"), ("count", "Q"), ("reason", "B")],
    "CREDIT_GRANT": [("messages", "I")],
    "REQUEST_DELIVERY": [("deadline_ms", "I"), ("epoch", "I")],
    "REPLY_DELIVERY": [("status", "B")],
    "FAILED": [("code", "B")],
}


def fixed_part(record):
    body = b""
    for field, code in FIELDS.get(record["kind"], []):
        value = record["fields"][field]
        body += bytes.fromhex(value) if code == "16s" else struct.pack("<" + code, int(value))
    return body


def variable_part(record):
    body = b""
    for item in record.get("items_hex", []):
        payload = bytes.fromhex(item)
        body += struct.pack("<I", len(payload)) + payload
    body += bytes.fromhex(record.get("payload_hex", ""))
    body += record.get("reason", "").encode("ascii")
    body += "\n".join(record.get("names", [])).encode("ascii")
    return body


def encode(record):
    topic, name = record["topic"].encode("utf-8"), record["name"].encode("ascii")
    body = fixed_part(record) + variable_part(record)
    length = 12 + len(topic) + len(name) + len(body)
    header = struct.pack("<IBBHQ", length, KINDS[record["kind"]], len(topic), len(name),
                         int(record["number"]))
    return header + topic + name + body


def main():
    check = "--check" in sys.argv[1:]
    wrong = []
    for path in sorted((pathlib.Path(__file__).parent / "frames").glob("*.json")):
        if path.name == "malformed.json":
            continue
        frame = b"".join(encode(record) for record in json.loads(path.read_text())["records"])
        binary = path.with_suffix(".bin")
        if not check:
            binary.write_bytes(frame)
        elif not binary.exists() or binary.read_bytes() != frame:
            wrong.append(binary.name)
    if wrong:
        sys.exit("differ from their description: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
