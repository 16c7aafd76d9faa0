#!/usr/bin/env python3
"""Writes postings.json: leaves, hashes and tree roots made from docs/ledger.md alone.

It shares no code with ledgerd, so that the daemon's bytes are held against the document's.
Run it only when the document's format gets a new version: make_postings.py > postings.json
"""

import hashlib
import json
import uuid

ZEROS = bytes(32)


def field(value):
    if isinstance(value, int):
        value = value.to_bytes(8, "little", signed=True)
    if isinstance(value, str):
        value = value.encode()
    return len(value).to_bytes(2, "little") + value


def leaf(posting, previous_hash, legs):
    parts = [
        bytes([1]),
        field(posting["seq"]),
        field(uuid.UUID(posting["id"]).bytes),
        field(posting["time_ns"]),
        field(previous_hash),
        field(len(legs)),
    ]
    for leg in legs:
        parts += [
            field(leg["account"]),
            field(leg["amount_units"]),
            field(leg["type"]),
            field(leg["reference"]),
            field(leg["account_seq"]),
            field(bytes.fromhex(leg["previous_hash"])),
        ]
    return b"".join(parts)


def tree_root(hashes):
    """RFC 9162, 2.1.1, by its recursive definition."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = tree_root(hashes[:split]), tree_root(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leg(account, units, kind, reference=""):
    return {"account": account, "amount_units": units, "type": kind, "reference": reference}


def histories():
    one = 100_000_000
    yield [
        leg("world", -1_000_000 * one, "GRANT", "TREASURY_GRANT"),
        leg("treasury", 1_000_000 * one, "GRANT", "TREASURY_GRANT"),
    ]
    yield [
        leg("world", -1_000 * one, "GRANT", "GENESIS_GRANT"),
        leg("bot/alice", 1_000 * one, "GRANT", "GENESIS_GRANT"),
    ]
    yield [leg("bot/alice", -1, "TRANSFER"), leg("user/bob", 1, "TRANSFER")]
    yield [
        leg("bot/alice", -12_345_678, "CHARGE", "task caf\u00e9 \u2713"),
        leg("treasury", 12_345_678, "CHARGE", "task caf\u00e9 \u2713"),
    ]
    yield [leg("bot/alice", 0, "HEARTBEAT_OBSERVE", "TICK:42")]
    yield [
        leg("bot/alice", -350_000_000, "WAGER", "TICK:43"),
        leg("treasury", 50_000_000, "WAGER", "TICK:43"),
        leg("escrow/0190f0c2-7b1c-7000-8000-00000000002a", 300_000_000, "WAGER", "TICK:43"),
    ]
    yield [
        leg("world", -90_000_000_000 * one, "GRANT", "r" * 128),
        leg("user/" + "x" * 64, 90_000_000_000 * one, "GRANT", "r" * 128),
    ]
    for i in range(8):
        yield [leg("treasury", -i - 1, "TRANSFER", str(i)), leg("user/bob", i + 1, "TRANSFER", str(i))]


def main():
    postings, hashes, accounts = [], [], {}
    for legs in histories():
        seq = len(postings) + 1
        posting = {
            "seq": seq,
            "id": str(uuid.UUID(int=0x0190F0C2_7B1C_7000_8000_000000000000 + seq)),
            "time_ns": 1_767_323_045_678_901_234 + seq * 1_000_000_007,
            "legs": legs,
        }
        for one in legs:
            count, last = accounts.get(one["account"], (0, ZEROS))
            one["account_seq"] = count + 1
            one["previous_hash"] = last.hex()
        previous = hashes[-1] if hashes else ZEROS
        data = leaf(posting, previous, legs)
        digest = hashlib.sha256(b"\x00" + data).digest()
        hashes.append(digest)
        for one in legs:
            accounts[one["account"]] = (one["account_seq"], digest)
        posting |= {
            "previous_hash": previous.hex(),
            "leaf": data.hex(),
            "hash": digest.hex(),
            "root": tree_root(hashes).hex(),
        }
        postings.append(posting)
    print(json.dumps({"version": 1, "postings": postings}, indent=1))


if __name__ == "__main__":
    main()
