"""Names of ENS: as of one block, through our own way to a node, and never one that imitates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from eth_abi.abi import decode, encode
from evm_chain import Chain, Node, Refusal, pay

from chainwatch.errors import AddressError, ChainError, ChainwatchError, NetworkRefused, SourceError
from chainwatch.net.policy import use_network
from chainwatch.sources.evm.names import Named, resolve_name, written

WHO = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
RESOLVER = "0x" + "ee" * 20
NAMES = {"vitalik.eth": WHO}


def namehash(name: str) -> bytes:
    """Return the hash of a name, as ENSIP-1 defines it."""
    from eth_hash.auto import keccak

    label, _, rest = name.partition(".")
    return bytes(keccak((namehash(rest) if rest else bytes(32)) + keccak(label.encode())))


class NamingNode(Node):
    """A node of a chain with names, which remembers as of which block it was asked."""

    def __init__(self, **more: Any) -> None:
        super().__init__(Chain(chain_id=1).add().add(pay(1, 2, 3)).add(), **more)
        self.blocks: list[Any] = []

    def result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            params = [hex(len(self.chain.blocks) - 1), *params[1:]]
        if method == "eth_call":
            self.blocks.append(params[1])
            return self._told(params[0]["data"])
        return super().result(method, params)

    def _told(self, data: str) -> Any:
        _, inner = decode(("bytes", "bytes"), bytes.fromhex(data[10:]))
        known = {namehash(name): who for name, who in NAMES.items()}
        who = known.get(inner[4:36])
        if who is None:
            return Refusal(3, "execution reverted")
        said = encode(("address",), (who,))
        return "0x" + encode(("bytes", "address"), (said, RESOLVER)).hex()


def resolved(name: str, node: Node, **more: Any) -> Named:
    given = {"chain": "eth", "attempts": 1, **more}
    return resolve_name(name, "https://node.example/KEY0123456789abcdef",
                        transport=node.transport, **given)  # fmt: skip


def test_a_name_as_of_one_block(tmp_path: Path) -> None:
    """Its height and hash are told, and asked is as of it, whatever comes meanwhile."""
    node = NamingNode()
    with use_network(log_file=tmp_path / "log.jsonl"):
        found = resolved("vitalik.eth", node)
        older = resolved("Vitalik.eth", node, height=1)
    last = node.chain.blocks[-1]["hash"]
    assert found == Named("vitalik.eth", WHO, "eip155:1", 2, last, "node.example")
    assert (older.height, older.block) == (1, node.chain.blocks[1]["hash"])
    assert node.blocks == ["0x2", "0x1"]
    logged = (tmp_path / "log.jsonl").read_text()
    assert "eth_call" in logged
    assert all("(about vitalik.eth)" in line for line in logged.splitlines())
    assert "KEY0123456789" not in logged + repr(found)
    asked = [json.loads(line) for line in logged.splitlines()]
    assert len(asked) == len(node.asked)


def test_offline_nobody_is_asked() -> None:
    node = NamingNode()
    with use_network(offline=True), pytest.raises(NetworkRefused):
        resolved("vitalik.eth", node)
    assert not node.asked


IMITATIONS = {
    "a Cyrillic letter": "vit\u0430lik.eth",
    "a letter of full width": "\uff56italik.eth",
    "nothing that is seen": "vita\u200blik.eth",
    "a mark that turns the text": "vitalik\u202e.eth",
    "an empty part": "vitalik..eth",
    "a space": "vita lik.eth",
    "one word": "vitalik",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("name", IMITATIONS)
def test_a_name_that_imitates_is_refused_before_anybody_is_asked(name: str) -> None:
    node = NamingNode()
    with pytest.raises(AddressError) as caught:
        resolved(IMITATIONS[name], node)
    assert not node.asked
    assert str(caught.value).isascii() or "\u202e" not in str(caught.value)


def test_capitals_are_no_imitation() -> None:
    assert written(" VITALIK.eth ") == "vitalik.eth"


def test_a_name_that_names_nobody(tmp_path: Path) -> None:
    with use_network(log_file=tmp_path / "log"), pytest.raises(AddressError, match="no address"):
        resolved("nobody.eth", NamingNode())


def test_a_node_of_another_chain_or_without_names(tmp_path: Path) -> None:
    with use_network(log_file=tmp_path / "log"):
        with pytest.raises(ChainError, match="of chain 1"):
            resolved("vitalik.eth", NamingNode(), chain="eth-sepolia")
        with pytest.raises(ChainError, match="no names"):
            resolved("vitalik.eth", NamingNode(), chain="btc")
        with pytest.raises(SourceError, match="no block 9"):
            resolved("vitalik.eth", NamingNode(), height=9)


@pytest.mark.parametrize("said", ["0x", "0x12", "0x" + "ff" * 96, None, 7, {"a": 1}])
def test_an_answer_that_is_nonsense_names_nobody(tmp_path: Path, said: Any) -> None:
    def spoil(method: str, _: list[Any], result: Any) -> Any:
        return said if method == "eth_call" else result

    with use_network(log_file=tmp_path / "log"), pytest.raises(ChainwatchError) as caught:
        resolved("vitalik.eth", NamingNode(spoil=spoil))
    assert "node.example" in str(caught.value)


def test_a_refusal_is_shown_without_the_key(tmp_path: Path) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        error = {"code": -32000, "message": "KEY0123456789abcdef is spent"}
        told = {"jsonrpc": "2.0", "id": 0, "error": error}
        return httpx2.Response(200, content=json.dumps(told).encode())

    with use_network(log_file=tmp_path / "log"), pytest.raises(SourceError) as caught:
        resolve_name("vitalik.eth", "https://node.example/KEY0123456789abcdef", attempts=1,
                     transport=httpx2.MockTransport(refuse))  # fmt: skip
    assert "KEY0123456789" not in str(caught.value)
