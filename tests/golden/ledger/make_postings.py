#!/usr/bin/env python3
"""Writes leaves, hashes, roots, checkpoints and proofs made from docs/ledger.md alone.

It shares no code with ledgerd and none with guild-verify, so that both are held against the
document's bytes. Run it only when the document's format changes:

    make_postings.py            writes the files beside it
    make_postings.py --check    compares them; exit 1 when one differs

postings.json   postings without facts
facts.json      a book with holds, floors, closed and revived accounts
export/         that book, and more transfers, as `guild ledger export` writes it
proofs.json     inclusion and consistency proofs about the export
*.tlog-proof, *.consistency    one of each as a whole text
"""

import base64
import ctypes
import ctypes.util
import hashlib
import json
import pathlib
import sys
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ZEROS = bytes(32)


def field(value):
    if isinstance(value, int):
        value = value.to_bytes(8, "little", signed=True)
    if isinstance(value, str):
        value = value.encode()
    return len(value).to_bytes(2, "little") + value


def leaf(posting, previous_hash, legs):
    facts = posting.get("facts", [])
    parts = [
        bytes([2 if facts else 1]),
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
    if facts:
        parts.append(field(len(facts)))
    for fact in facts:
        parts += [field(fact["name"]), field(fact["value"])]
    return b"".join(parts)


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_of(size):
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def tree_root(hashes):
    """RFC 9162, 2.1.1, by its recursive definition."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = split_of(len(hashes))
    return node(tree_root(hashes[:split]), tree_root(hashes[split:]))


def inclusion(index, hashes):
    """RFC 9162, 2.1.3.1."""
    if len(hashes) == 1:
        return []
    split = split_of(len(hashes))
    if index < split:
        return inclusion(index, hashes[:split]) + [tree_root(hashes[split:])]
    return inclusion(index - split, hashes[split:]) + [tree_root(hashes[:split])]


def consistency(old, hashes, is_known=True):
    """RFC 9162, 2.1.4.1."""
    if old in (0, len(hashes)):
        return [] if is_known or old == 0 else [tree_root(hashes)]
    split = split_of(len(hashes))
    if old <= split:
        return consistency(old, hashes[:split], is_known) + [tree_root(hashes[split:])]
    return consistency(old - split, hashes[split:], False) + [tree_root(hashes[:split])]


def base64_of(data):
    return base64.b64encode(data).decode()


class Signer:
    """The ledger's key; this one is for tests and known to everybody."""

    def __init__(self, first_hash):
        self.sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
        seed = hashlib.sha256(b"the golden ledger's test key").digest()
        public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        self.sodium.crypto_sign_seed_keypair(public, secret, seed)
        self.secret = secret.raw
        self.origin = "guildhall/" + first_hash[:8].hex()
        typed = b"\x01" + public.raw
        self.key_id = hashlib.sha256(self.origin.encode() + b"\n" + typed).digest()[:4]
        self.told = f"{self.origin}+{self.key_id.hex()}+{base64_of(typed)}"

    def checkpoint(self, hashes):
        text = f"{self.origin}\n{len(hashes)}\n{base64_of(tree_root(hashes))}\n"
        data = text.encode()
        signature = ctypes.create_string_buffer(64)
        self.sodium.crypto_sign_detached(
            signature, None, data, ctypes.c_ulonglong(len(data)), self.secret
        )
        return f"{text}\n\u2014 {self.origin} {base64_of(self.key_id + signature.raw)}\n"


def inclusion_text(signer, hashes, index, size):
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}"]
    lines += [base64_of(one) for one in inclusion(index, hashes[:size])]
    return "\n".join(lines) + "\n\n" + signer.checkpoint(hashes[:size])


def consistency_text(signer, hashes, old, size):
    lines = [f"old {old}"] + [base64_of(one) for one in consistency(old, hashes[:size])]
    return "\n".join(lines) + "\n\n" + signer.checkpoint(hashes[:size])


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


def move(debit, credit, units, kind, reference=""):
    return [leg(debit, -units, kind, reference), leg(credit, units, kind, reference)]


def record(account, kind, reference=""):
    return [leg(account, 0, kind, reference)]


def facts(**values):
    return [{"name": name, "value": value} for name, value in values.items()]


def time_of(seq):
    return 1_767_323_045_678_901_234 + seq * 1_000_000_007


def fact_histories():
    """Legs, and facts where the type has any. The numbers of holds are the seqs of these lines."""
    one = 100_000_000
    far = time_of(1_000_000)
    yield move("world", "treasury", 1_000_000 * one, "GRANT", "TREASURY_GRANT"), []
    yield move("world", "bot/alice", 1_000 * one, "GRANT", "GENESIS_GRANT"), []
    yield move("world", "bot/carol", 1_000 * one, "GRANT", "GENESIS_GRANT"), []
    yield move("bot/alice", "user/bob", 100 * one, "TRANSFER"), []
    yield record("bot/alice", "FLOOR"), facts(floor=50 * one)
    # 6: 900 - 850 is the floor exactly.
    yield (
        record("bot/alice", "HOLD", "order 1"),
        facts(credit="user/bob", held=850 * one, expires_at=far),
    )
    yield move("bot/alice", "user/bob", 300 * one, "HOLD_POST", "order 1"), facts(hold=6)
    # 8: 600 are left, and 550 of them may be held.
    yield (
        record("bot/alice", "HOLD", "order 2"),
        facts(credit="bot/carol", held=one, expires_at=far),
    )
    yield (
        record("bot/alice", "HOLD", "order 3 \u2713"),
        facts(credit="treasury", held=549 * one, expires_at=time_of(10) + 1),
    )
    yield record("bot/alice", "HOLD_VOID"), facts(hold=8)
    yield record("bot/alice", "HOLD_VOID", "EXPIRED"), facts(hold=9)
    # 12: posted to the last unit, by an account that is opened with it.
    yield (
        record("user/bob", "HOLD"),
        facts(credit="escrow/0-open", held=400 * one, expires_at=far),
    )
    yield move("user/bob", "escrow/0-open", 400 * one, "HOLD_POST"), facts(hold=12)
    yield record("user/bob", "CLOSED"), []
    yield record("user/bob", "REOPENED"), []
    yield move("treasury", "user/bob", one, "TRANSFER"), []
    yield move("bot/alice", "treasury", 600 * one, "LIQUIDATION"), []
    yield move("treasury", "bot/alice", 60 * one, "REVIVE"), []
    yield record("bot/carol", "RETIRED", "of her own will"), []
    yield record("bot/carol", "REVIVE"), []
    yield record("bot/alice", "FLOOR"), facts(floor=0)
    yield move("bot/carol", "treasury", 1_000 * one, "LIQUIDATION"), []
    yield move("world", "bot/carol", 5, "REVIVE"), []
    # 24: still open at the end.
    yield record("treasury", "HOLD"), facts(credit="user/dave", held=2**40, expires_at=far)


def transfers(count):
    for i in range(count):
        yield move("treasury", "user/bob", i + 1, "TRANSFER", str(i)), []


def book(histories, ids):
    """Each posting with all that the document says of it, and the hashes."""
    postings, hashes, accounts = [], [], {}
    for legs, said in histories:
        seq = len(postings) + 1
        posting = {
            "seq": seq,
            "id": str(uuid.UUID(int=ids + seq)),
            "time_ns": time_of(seq),
            "legs": legs,
        }
        if said:
            posting["facts"] = said
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
    return postings, hashes


def export_files(postings, hashes, signer):
    leaves = [bytes.fromhex(posting["leaf"]) for posting in postings]
    sizes = [1, 2, 7, 24, 64, len(postings)]
    return {
        "export/leaves": b"".join(len(one).to_bytes(4, "little") + one for one in leaves),
        "export/checkpoints": "".join(
            signer.checkpoint(hashes[:size]) + "\n" for size in sizes
        ).encode(),
        "export/key": (signer.told + "\n").encode(),
    }


def proofs_of(hashes, signer):
    sizes = list(range(1, 21)) + [63, 64, 65, len(hashes)]

    def places(size):
        return sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size)))

    def olds(size):
        return sorted({0, 1, 2, 3, 4, 7, 8, size // 2, size - 1, size, 32, 48} & set(range(size + 1)))

    return {
        "version": 1,
        "key": signer.told,
        "checkpoints": {str(size): signer.checkpoint(hashes[:size]) for size in sizes},
        "inclusion": [
            {
                "index": index,
                "size": size,
                "leaf_hash": hashes[index].hex(),
                "hashes": [base64_of(one) for one in inclusion(index, hashes[:size])],
            }
            for size in sizes
            for index in places(size)
        ],
        "consistency": [
            {
                "old": old,
                "size": size,
                "old_root": tree_root(hashes[:old]).hex(),
                "hashes": [base64_of(one) for one in consistency(old, hashes[:size])],
            }
            for size in sizes
            for old in olds(size)
        ],
    }


def json_text(value):
    return (json.dumps(value, indent=1) + "\n").encode()


def files():
    plain, _ = book(((legs, []) for legs in histories()), 0x0190F0C2_7B1C_7000_8000_000000000000)
    facts_ids = 0x0190F0C2_7B1C_7000_9000_000000000000
    said, _ = book(fact_histories(), facts_ids)
    exported, hashes = book([*fact_histories(), *transfers(76)], facts_ids)
    signer = Signer(hashes[0])
    return {
        "postings.json": json_text({"version": 1, "postings": plain}),
        "facts.json": json_text({"version": 1, "postings": said}),
        **export_files(exported, hashes, signer),
        "proofs.json": json_text(proofs_of(hashes, signer)),
        "posting_18.tlog-proof": inclusion_text(signer, hashes, 17, 100).encode(),
        "from_24_to_100.consistency": consistency_text(signer, hashes, 24, 100).encode(),
    }


def main():
    made = files()
    if sys.argv[1:] == ["--check"]:
        differ = [name for name, data in made.items() if (HERE / name).read_bytes() != data]
        for name in differ:
            print(f"{name} is not what the document says")
        sys.exit(1 if differ else 0)
    (HERE / "export").mkdir(exist_ok=True)
    for name, data in made.items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
