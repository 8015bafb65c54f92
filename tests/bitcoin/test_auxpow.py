"""Merged mining and extension blocks, from made-up bytes: a good block, and each way to cheat."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest

from chainwatch.bitcoin.block import parse_block
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError

DOGE = dataclasses.replace(
    chain_of("doge"),
    consensus=dataclasses.replace(consensus_of(chain_of("doge")), easiest=2**255 - 1),
)
"""Its real limit is too hard here: scrypt at that takes a million tries."""
EXTENDED = dataclasses.replace(
    chain_of("btc-regtest"),
    consensus=dataclasses.replace(consensus_of(chain_of("btc-regtest")), extension_blocks=True),
)
"""Regtest with extension blocks, for Litecoin's own proof of work is too hard here."""
VERSION = 0x00620104 | 0x100
EASY = 0x207FFFFF
MARK = bytes.fromhex("fabe6d6d")


def scrypt(header: bytes) -> int:
    made = hashlib.scrypt(header, salt=header, n=1024, r=1, p=1, dklen=32)
    return int.from_bytes(made, "little")


def mined(front: bytes, *, proven: bool = True) -> bytes:
    nonce = 0
    while (scrypt(front + nonce.to_bytes(4, "little")) < 2**254) != proven:
        nonce += 1
    return front + nonce.to_bytes(4, "little")


@dataclass
class Merged:
    """A block of Dogecoin and the other chain's proof of it; change a part to make it wrong."""

    maker: ModuleType
    mark: bytes = MARK
    sizes: bytes = (4).to_bytes(4, "little") + (7).to_bytes(4, "little")
    chain_index: int | None = None
    index: int = 0
    parent_version: int = 2
    proven: bool = True
    branch: int = 3
    other_root: bytes | None = None
    named: bytes | None = None
    cut: int = 0

    def slot(self) -> int:
        number = (7 * 1_103_515_245 + 12_345) % 2**32
        number = ((number + 0x62) * 1_103_515_245 + 12_345) % 2**32
        return number % 4

    def raw(self) -> bytes:
        m = self.maker
        own = m.coinbase(1, [(10_000, m.p2pkh(1))])
        header = VERSION.to_bytes(4, "little") + bytes(32) + own.txid
        header += (1_500_000_000).to_bytes(4, "little") + EASY.to_bytes(4, "little") + bytes(4)
        index = self.slot() if self.chain_index is None else self.chain_index
        root = m.sha256d(header)
        chains = [m.sha256d(bytes([k])) for k in range(2)]
        for level, other in enumerate(chains):
            right = index >> level & 1
            root = m.sha256d(other + root if right else root + other)
        script = b"\x03abc" + self.mark + (self.named or root[::-1]) + self.sizes
        theirs = m.spend([(bytes(32), 0xFFFFFFFF)], [(5, m.p2pkh(2))], script=script)
        leaf, branch = theirs.txid, [m.sha256d(bytes([9, k])) for k in range(self.branch)]
        for other in branch:
            leaf = m.sha256d(leaf + other)
        front = self.parent_version.to_bytes(4, "little") + bytes(32) + (self.other_root or leaf)
        parent = mined(front + bytes(4) + EASY.to_bytes(4, "little"), proven=self.proven)
        proof = theirs.raw + bytes(32) + bytes([len(branch)]) + b"".join(branch)
        proof += self.index.to_bytes(4, "little") + bytes([2]) + b"".join(chains)
        proof += index.to_bytes(4, "little") + parent
        return header + proof[: len(proof) - self.cut] + b"\x01" + own.raw


@pytest.fixture
def merged(maker: ModuleType) -> Callable[..., bytes]:
    return lambda **how: Merged(maker, **how).raw()


def test_a_block_that_another_chain_proves(merged: Callable[..., bytes]) -> None:
    raw = merged()
    block = parse_block(raw, DOGE, name="made")
    assert block.hash == hashlib.sha256(hashlib.sha256(raw[:80]).digest()).digest()
    assert (block.size, len(block.txs), block.header.version) == (len(raw), 1, VERSION)
    assert parse_block(merged(mark=b""), DOGE, name="made").txs == block.txs


CHEATS: dict[str, tuple[dict[str, object], str]] = {
    "too little work": ({"proven": False}, "lacks the proof of work"),
    "another block's coinbase": ({"other_root": bytes(32)}, "of another block"),
    "no coinbase": ({"index": 1}, "no coinbase"),
    "its own chain": ({"parent_version": 0x620002}, "its own proof"),
    "a coinbase that names another": ({"named": bytes(range(32))}, "does not name this block"),
    "two marks": ({"mark": MARK + MARK}, "does not name this block"),
    "a place of another chain": ({"chain_index": 1}, "not at its place"),
    "a wrong number of chains": ({"sizes": (8).to_bytes(4, "little") + b"\x07\0\0\0"},
                                 "not at its place"),
    "sizes cut off": ({"sizes": b"\x04"}, "cut off"),
    "a branch too long": ({"branch": 31}, "too long"),
    "an end within the proof": ({"cut": 40}, "."),
}  # fmt: skip


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_proof_that_proves_nothing_is_refused(cheat: str, merged: Callable[..., bytes]) -> None:
    how, words = CHEATS[cheat]
    with pytest.raises(BlockError, match=words) as caught:
        parse_block(merged(**how), DOGE, name="made.dat")
    assert "made.dat byte " in str(caught.value)


def test_it_may_be_cut_anywhere(merged: Callable[..., bytes]) -> None:
    raw = merged()
    for length in range(81, len(raw), 7):
        with pytest.raises(BlockError):
            parse_block(raw[:length], DOGE, name="made")


def test_other_chains_must_carry_their_own_work(merged: Callable[..., bytes]) -> None:
    with pytest.raises(BlockError):
        parse_block(merged(), chain_of("ltc"), name="made")


def test_a_block_that_ends_in_an_extension_block(maker: ModuleType) -> None:
    """Litecoin's MWEB: marks belong to no id, and what follows is part of the block."""
    chain = maker.Chain()
    made = maker.spend([(b"\x07" * 32, 0)], [(5, maker.p2pkh(1))])
    odd = maker.Made(
        made.raw[:4] + b"\x00\x08" + made.raw[4:-4] + b"\x00" + made.raw[-4:], made.raw
    )
    reward = maker.coinbase(1, [(50 * maker.COIN, maker.p2pkh(1))])
    chain.blocks.append(maker.block_of(chain.tip, 1, [reward, odd]))
    whole = chain.blocks[-1] + b"\x01extension"
    block = parse_block(whole, EXTENDED, name="made")
    assert (block.txs[-1].txid, block.size) == (made.txid, len(whole))
    assert (block.txs[-1].size, block.txs[-1].weight) == (len(odd.raw), 4 * len(made.raw))
    with pytest.raises(BlockError, match="ends in the middle"):
        parse_block(chain.blocks[-1], EXTENDED, name="made")
    with pytest.raises(BlockError, match="a form that is not supported"):
        parse_block(chain.blocks[-1], chain_of("btc-regtest"), name="made")
