"""A chain of Litecoin's regression network whose last blocks end in extension blocks.

Two people each move coins in, one coin is moved out to a third. Written apart from the code under
test: the marks, the ids over the form without them, and the proof of work by scrypt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import regtest_chain
from regtest_chain import COIN, Made, coinbase, commitment_to, p2pkh, sha256d, sized, spend

_KEY = bytes.fromhex(
    "040184710fa689ad5023690c80f3a49c8f13f8d45b8c857fbcbc8bc4a8e4d3eb4b10f4d4604fa08dce601aaf0f4702"
    "16fe1b51850b4acf21b179c45070ac7b03a9"
)
_NEWS = "NY Times 05/Oct/2011 Steve Jobs, Apple\u2019s Visionary, Dies at 56".encode()
FEE = 1_000
PAID_IN = 20 * COIN, 10 * COIN
PAID_OUT = 5 * COIN


def scrypt(header: bytes) -> bytes:
    return hashlib.scrypt(header, salt=header, n=1024, r=1, p=1, dklen=32)


def genesis() -> bytes:
    """Return the first block, of the fields that Litecoin Core makes it of."""
    news = b"\x04\xff\xff\x00\x1d\x01\x04" + sized(_NEWS)
    body = b"\x01" + bytes(32) + b"\xff" * 4 + sized(news) + b"\xff" * 4 + b"\x01"
    body += (50 * COIN).to_bytes(8, "little") + sized(sized(_KEY) + b"\xac")
    raw = (1).to_bytes(4, "little") + body + bytes(4)
    top = (1).to_bytes(4, "little") + bytes(32) + sha256d(raw)
    top += (1_296_688_602).to_bytes(4, "little") + (0x207FFFFF).to_bytes(4, "little") + bytes(4)
    return top + b"\x01" + raw


def marked(inputs: Sequence[tuple[bytes, int]], outputs: Sequence[tuple[int, bytes]]) -> Made:
    """Return a transaction that ends in an extension block."""
    plain = spend(inputs, outputs, script=b"").stripped
    return Made(plain[:4] + b"\x00\x08" + plain[4:-4] + b"\x00" + plain[-4:], plain)


def program(version: int, text: bytes) -> bytes:
    return bytes([0x50 + version, 32]) + hashlib.sha256(text).digest()


class Extended(NamedTuple):
    """The blocks, and the transactions and scripts that a test asks for."""

    blocks: list[bytes]
    moved_in: list[Made]
    ends: list[Made]
    payers: list[bytes]
    payee: bytes


def chain() -> Extended:
    """Return six blocks: three of coins, one in which they are moved in, one with one moved out."""
    made = regtest_chain.Chain([genesis()])
    for _ in range(3):
        made.add(proof=scrypt)
    coins = made.coins[:2]
    moved = [
        spend([(txid, n)], [(amount, program(9, txid)), (value - amount - FEE, p2pkh(100 + k))],
              witness=[b"sig"])
        for k, ((txid, n, value), amount) in enumerate(zip(coins, PAID_IN, strict=True))
    ]  # fmt: skip
    first = marked([(tx.txid, 0) for tx in moved], [(sum(PAID_IN), program(8, b"first"))])
    _add(made, [*moved, first])
    rest = sum(PAID_IN) - PAID_OUT - FEE
    last = marked([(first.txid, 0)], [(rest, program(8, b"last")), (PAID_OUT, p2pkh(200))])
    _add(made, [last])
    return Extended(made.blocks, moved, [first, last], [p2pkh(1), p2pkh(2)], p2pkh(200))


def _add(made: regtest_chain.Chain, txs: Sequence[Made]) -> None:
    """Add a block with an extension block; ids with witnesses leave the marks out."""
    height, reward = len(made.blocks), (50 * COIN, p2pkh(len(made.blocks)))
    own = [tx if tx.raw[4:6] == b"\x00\x01" else Made(tx.stripped, tx.stripped) for tx in txs]
    paid = [reward, (0, commitment_to(own))]
    first = coinbase(height, paid, witness=[bytes(32)])
    raw = regtest_chain.block_of(made.tip, height, [first, *txs], proof=scrypt)
    made.blocks.append(raw + b"\x01" + b"extension block " * 20)
