"""Which network a block is of: its genesis block, magic, proof of work and form decide."""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import extension_chain
import pytest

from chainwatch.bitcoin.block import fitting, parse_block
from chainwatch.bitcoin.consensus import check_work
from chainwatch.bitcoin.header import Header
from chainwatch.chains.catalogue import CHAINS, chain, consensus_of, of_genesis, of_magic, read_as
from chainwatch.errors import BlockError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.block_files import BlockFiles

BTC = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
LTC = "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9"
DOGE = "5b2a3f53f605d62c53e62932dac6925e3d74afa5a4b459745c36d42d0ed26a69"

GENESIS = {
    "btc": (BTC, 1_231_006_505, 0x1D00FFFF, 2_083_236_893),
    "btc-testnet": (BTC, 1_296_688_602, 0x1D00FFFF, 414_098_458),
    "btc-signet": (BTC, 1_598_918_400, 0x1E0377AE, 52_613_770),
    "btc-regtest": (BTC, 1_296_688_602, 0x207FFFFF, 2),
    "bch": (BTC, 1_231_006_505, 0x1D00FFFF, 2_083_236_893),
    "bch-regtest": (BTC, 1_296_688_602, 0x207FFFFF, 2),
    "ltc": (LTC, 1_317_972_665, 0x1E0FFFF0, 2_084_524_493),
    "ltc-testnet": (LTC, 1_486_949_366, 0x1E0FFFF0, 293_345),
    "ltc-regtest": (LTC, 1_296_688_602, 0x207FFFFF, 0),
    "doge": (DOGE, 1_386_325_540, 0x1E0FFFF0, 99_943),
    "doge-testnet": (DOGE, 1_391_503_289, 0x1E0FFFF0, 997_879),
    "doge-regtest": (DOGE, 1_296_688_602, 0x207FFFFF, 2),
}
"""Merkle root, time, bits and nonce of the first blocks, as in each node's ``chainparams.cpp``."""


@pytest.mark.parametrize("alias", GENESIS)
def test_the_first_block_hashes_to_what_the_chain_states(alias: str) -> None:
    root, time, bits, nonce = GENESIS[alias]
    raw = struct.pack("<i32s32sIII", 1, bytes(32), bytes.fromhex(root)[::-1], time, bits, nonce)
    assert sha256(sha256(raw).digest()).digest() == chain(alias).genesis
    check_work(Header.parse(raw), consensus_of(chain(alias)))


def test_identity_is_one_network_each() -> None:
    assert len({item.id for item in CHAINS}) == len({item.alias for item in CHAINS}) == len(CHAINS)
    shared = of_magic(bytes.fromhex("fabfb5da"))
    assert [item.alias for item in shared] == [
        "btc-regtest", "bch-regtest", "ltc-regtest", "doge-regtest",
    ]  # fmt: skip
    assert [item.alias for item in of_magic(chain("btc").magic)] == ["btc", "bch"]
    assert of_magic(b"") == of_genesis(b"") == ()
    assert [item.alias for item in of_genesis(chain("btc").genesis)] == ["btc"]
    assert read_as(()) == ""


@pytest.fixture
def litecoin() -> list[bytes]:
    return extension_chain.chain().blocks


def refusal(path: Path, alias: str, folder: Path, **how: int) -> str:
    with pytest.raises(BlockError) as caught:
        pull(folder, BlockFiles(path, alias, **how))
    return str(caught.value)


@pytest.mark.parametrize("alias", ["btc-regtest", "bch-regtest", "doge-regtest"])
def test_blocks_of_another_regression_network(
    alias: str, litecoin: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    told = refusal(put("blk.dat", maker.framed(*litecoin)), alias, tmp_path / "l")
    assert "it is of Litecoin regtest: read it as ltc-regtest" in told
    alone = put("one.raw", litecoin[-1])
    assert "read it as ltc-regtest" in refusal(alone, alias, tmp_path / "l", height=5)


def test_a_genesis_block_decides_where_work_is_alike(
    maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    other = maker.Chain()
    first = put("first.raw", other.blocks[0])
    # Half of all blocks so easy have the work that the other kind asks for, too.
    told = refusal(first, "ltc-regtest", tmp_path / "l")
    assert "it is of Bitcoin regtest" in told
    assert "btc-regtest" in told
    made = maker.block_of(bytes(32), 0, [maker.coinbase(0, [(5, maker.p2pkh(1))])])
    told = refusal(put("made.raw", made), "btc-regtest", tmp_path / "l", height=0)
    assert "begins a chain, and it is not Bitcoin regtest" in told
    assert "it is of no chain known here" in told


def test_a_block_with_witnesses_is_none_of_bitcoin_cash(
    short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    path = put("blk.dat", maker.framed(*short_chain))
    told = refusal(path, "bch-regtest", tmp_path / "l")
    assert "a transaction has witnesses, which this chain does not have" in told
    assert "it is of Bitcoin regtest" in told  # where chance has it, of another one as well
    plain = put("plain.dat", maker.framed(*short_chain[:4]))
    pull(tmp_path / "cash", BlockFiles(plain, "bch-regtest"))
    assert open_ledger(tmp_path / "cash").chains == (chain("bch-regtest"),)


def test_real_blocks_lead_to_their_chain(real_data: Path) -> None:
    data = (real_data / "bitcoin/blocks/574200.raw").read_bytes()
    assert [item.alias for item in fitting(data, chain("bch"))] == ["btc"]
    with pytest.raises(BlockError, match=r"witnesses.*it is of Bitcoin: read it as btc"):
        parse_block(data, chain("bch"), name="574200.raw")
    with pytest.raises(BlockError, match="read it as btc"):
        parse_block(data, chain("ltc"), name="574200.raw")


def test_magic_of_another_network(
    litecoin: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    path = put("blk.dat", maker.framed(*litecoin))
    told = refusal(path, "ltc", tmp_path / "l")
    # Four networks write this magic: the first block says which of them it is.
    assert "holds blocks of Litecoin regtest, not of Litecoin" in told
    assert "read it as ltc-regtest" in told
    torn = put("torn.dat", maker.framed(bytes(90)))
    assert "Bitcoin regtest, Bitcoin Cash regtest, Litecoin regtest or Dogecoin regtest" in refusal(
        torn, "ltc", tmp_path / "l"
    )


@pytest.mark.parametrize("count", [1, 3])
def test_magic_of_nobody(
    count: int, short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    path = put("blk.dat", maker.framed(*short_chain[:count], magic=b"toy!"))
    told = refusal(path, "btc-regtest", tmp_path / "l")
    assert "framed with the magic 746f7921, which is of no chain known here" in told


def test_what_fits_no_chain(
    short_chain: list[bytes], maker: ModuleType, put: Callable, tmp_path: Path
) -> None:
    spoilt = put("blk.dat", maker.framed(short_chain[3][:-1] + b"\x09"))
    assert "it fits no chain known here" in refusal(spoilt, "btc-regtest", tmp_path / "l")
