"""Transactions to block bytes: a valid regtest header chain from the real genesis block.

Each block has its coinbase with the height in front (BIP 34), Merkle root, witness commitment
where a witness is present (BIP 141), and proof of work at regtest's difficulty. Everything a node
checks before signatures holds: header chain, roots, subsidies, maturity, conservation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.simulate.transactions import (
    Coin,
    Lock,
    Output,
    Transaction,
    compact,
    push,
    sha256d,
    sized,
)

BITS = 0x207FFFFF
TARGET = 0x7FFFFF << (8 * (0x20 - 3))
VERSION = 0x20000000
FIRST_SUBSIDY = 50 * 10**8
HALVING = 150
"""Blocks between two halvings on regtest."""

MATURITY = 100
"""Blocks that must lie on a coinbase before it is spent."""

COMMITMENT = bytes.fromhex("aa21a9ed")
NO_OUTPOINT = bytes(32) + b"\xff\xff\xff\xff"

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e"
    "67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f200200000001010000000100000000000000000000"
    "00000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f"
    "4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f75742066"
    "6f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a6"
    "7962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
"""The genesis block of regtest, which every node carries."""

GENESIS_TIME = int.from_bytes(GENESIS[68:72], "little")
GENESIS_TXID = GENESIS[36:68]
"""Its only transaction, so the Merkle root is the txid."""

GENESIS_SCRIPT = GENESIS[-71:-4]
"""Pay-to-public-key; its coins can never be spent."""


@dataclass(frozen=True)
class Block:
    """A block's bytes with what the next one needs: hash and coinbase transaction."""

    raw: bytes
    hash: bytes
    height: int
    time: int
    coinbase_txid: bytes


def subsidy(height: int) -> int:
    """Return the new coins of a block in satoshi: 50 BTC, halved every 150 blocks."""
    return FIRST_SUBSIDY >> (height // HALVING)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle root over hashes in wire order; an odd last one is paired with itself."""
    level = list(hashes)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [sha256d(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def height_script(height: int) -> bytes:
    """Return the minimal push of a height, as BIP 34 asks for it."""
    if height <= 16:
        return bytes([0x50 + height])
    return push(height.to_bytes((height.bit_length() + 8) // 8, "little"))


def coinbase(height: int, outputs: Sequence[Output], witness: bool) -> tuple[bytes, bytes]:
    """Return a coinbase's bytes and txid; its witness is the reserved value of zeros."""
    script = height_script(height) + push(b"/simulated/")
    made = b"".join(out.value.to_bytes(8, "little") + sized(out.lock.script) for out in outputs)
    body = b"".join((
        b"\x01", NO_OUTPOINT, sized(script), b"\xff\xff\xff\xff", compact(len(outputs)), made,
    ))  # fmt: skip
    version, locktime = (2).to_bytes(4, "little"), bytes(4)
    stripped = version + body + locktime
    if not witness:
        return stripped, sha256d(stripped)
    raw = version + b"\x00\x01" + body + b"\x01" + sized(bytes(32)) + locktime
    return raw, sha256d(stripped)


def commitment(transactions: Sequence[Transaction]) -> Output:
    """Return the coinbase output that commits to all witnesses."""
    root = merkle_root([bytes(32), *(sha256d(tx.raw) for tx in transactions)])
    script = b"\x6a" + push(COMMITMENT + sha256d(root + bytes(32)))
    return Output(0, Lock("null_data", script), "witness commitment")


def proven_header(parent: bytes, root: bytes, time: int) -> bytes:
    """Return the first header, counting nonces from 0, whose hash meets regtest's target."""
    front = VERSION.to_bytes(4, "little") + parent + root + time.to_bytes(4, "little")
    front += BITS.to_bytes(4, "little")
    nonce = 0
    while int.from_bytes(sha256d(front + nonce.to_bytes(4, "little")), "little") > TARGET:
        nonce += 1
    return front + nonce.to_bytes(4, "little")


def assemble(
    parent: bytes, height: int, time: int, miner: Lock, transactions: Sequence[Transaction]
) -> tuple[Block, tuple[Output, ...]]:
    """Return the block that holds the transactions, and the outputs of its coinbase.

    Parameters
    ----------
    parent : bytes
        Hash of the block before, wire order.
    height, time : int
        Height; time as Unix seconds.
    miner : Lock
        Receives subsidy and fees.
    transactions : sequence of Transaction
        In an order in which each spends only what comes before it.
    """
    witness = any(tx.raw != tx.stripped for tx in transactions)
    reward = subsidy(height) + sum(tx.fee for tx in transactions)
    outputs: tuple[Output, ...] = (Output(reward, miner, "coinbase"),)
    if witness:
        outputs += (commitment(transactions),)
    first, first_id = coinbase(height, outputs, witness)
    root = merkle_root([first_id, *(tx.txid for tx in transactions)])
    header = proven_header(parent, root, time)
    body = compact(1 + len(transactions)) + first + b"".join(tx.raw for tx in transactions)
    return Block(header + body, sha256d(header), height, time, first_id), outputs


def matured(coin: Coin, height: int) -> bool:
    """Say whether a coin may be spent in a block of this height."""
    return not coin.coinbase or height - coin.height >= MATURITY


def framed(raw: bytes) -> bytes:
    """Return a block as it stands in a node's block file: magic, length, bytes."""
    return BITCOIN_REGTEST.magic + len(raw).to_bytes(4, "little") + raw
