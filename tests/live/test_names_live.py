"""A name on a real node: asked through web3, and kept by a small contract where ENS has its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from ens.constants import UNIVERSAL_RESOLVER_ADDR
from evm_contracts import RESOLVES
from module_of import module_of

from chainwatch.errors import AddressError
from chainwatch.sources.evm.names import resolve_name

node_of = module_of("live/anvil_node")
namehash = module_of("sources/evm/test_names").namehash
WHO = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


def test_a_name_says_whom_it_named_as_of_a_block(tmp_path: Path) -> None:
    with node_of.running(tmp_path, "--chain-id", "1") as node:
        node("anvil_setCode", UNIVERSAL_RESOLVER_ADDR, "0x" + RESOLVES)
        node("evm_mine")
        place = "0x" + namehash("vitalik.eth").hex()
        node("anvil_setStorageAt", UNIVERSAL_RESOLVER_ADDR, place, "0x" + node_of.word(WHO))
        node("evm_mine")
        found = resolve_name("vitalik.eth", node.url)
        assert (found.address, found.height) == (WHO, 2)
        assert found.block == node("eth_getBlockByNumber", "0x2", False)["hash"]
        with pytest.raises(AddressError, match="as of block 0"):
            resolve_name("vitalik.eth", node.url, height=0)
        with pytest.raises(AddressError, match="no address"):
            resolve_name("nobody.eth", node.url)
