"""Logs and messages that stand on the chains, and what is read of them.

Each is named by its transaction. Of the older form of Across there are the fields that explorers
show of a deposit on Base and its fill. What is received by CCTP is made of the message as the
contract makes it; that of version 2 stands as Circle attested it.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from eth_abi.abi import encode

import chainwatch as cw
from chainwatch.addresses.canonical import Kind, parse
from chainwatch.tracing.crossings.messages.identifiers import CCTP, CCTP_ALIKE, RECEIVED, SENT
from chainwatch.tracing.crossings.messages.said import Message
from chainwatch.tracing.crossings.messages.said import agree as _agree

ETH, ARBITRUM, BASE = "eip155:1", "eip155:42161", "eip155:8453"
POOL = "0x5c7bcd6e7de5423a257d81b442095a1a6ced35c5"
POOLS = {ETH: [POOL], ARBITRUM: ["0xe35e9842fceaca96570b734083f4a58e8f7c5f2a"],
         BASE: ["0x09aea4b2242abc8bb4bb78d537a67a245a7bec64"]}  # fmt: skip
V1 = {ETH: ["0x0a992d191deec32afe36203ad87d7d289a738f81",
            "0xbd3fa81b58ba92a82136038b25adec7066af3155"],
      ARBITRUM: ["0xc30362313fbba5cf9163f0bb16a0e01f01a896ca",
                 "0x19330d10d9cc8751218eaf51e8885d058642e08a"]}  # fmt: skip
V2 = {chain: ["0x81d40f21f12a8f0e3252bccb954d722d4c464b64",
              "0x28b5a0e9c621a5badaa536219b3a228c8168cf5d"] for chain in (ETH, BASE)}  # fmt: skip
BRIDGES = {"across": POOLS, "cctp v1": V1, "cctp v2": V2}
USER = "0x99c6a66c3df9b84ad32907ddcbd90da4ece12cc3"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
ZERO = "0x" + "00" * 20


def word(value: int | str) -> str:
    """Return a number or an address as a word, in hexadecimal."""
    return f"{value:064x}" if isinstance(value, int) else value[2:].rjust(64, "0")


def said(chain: str, topics: list[str], data: str, contract: str | None = None) -> pl.DataFrame:
    """Return the messages of one log of a bridge."""
    name = next(
        one for one in BRIDGES if contract is None or contract in BRIDGES[one].get(chain, ())
    )
    row = {"address": contract or BRIDGES[name][chain][0], "transaction_hash": "0x" + "ab" * 32,
           "topics": topics, "data": "0x" + data}  # fmt: skip
    return cw.messages_of_logs(pl.DataFrame([row]), chain, BRIDGES)


def one(found: pl.DataFrame, **given: Any) -> dict[str, Any]:
    [row] = found.filter(**given).rows(named=True)
    return row


def agree(sent: dict[str, Any], received: dict[str, Any]) -> bool:
    return _agree(Message.of(sent), Message.of(received))


class TestAcross:
    """Arbitrum One, 0x3116eab797171befdc8e2d808d33e7896a3442c68d85a494f6d230b04be8cb4e; Ethereum,
    0xb1668f6a7151c18a270a0dbb8c69b4d4eea327cc793da1ccefb0ce9eafb7e096.
    """

    SENT = (
        ["0x32ed1a409ef04c7b0227189c3a103dc5ac10e775a15b785dcc510201f7c25ad3",
         "0x" + word(1), "0x" + word(4_701_902), "0x" + word(USER)],
        word("0x82af49447d8a07e3bd95bd0d56f35241523fbab1") + word(WETH)
        + "000000000000000000000000000000000000000000000000000187dbd68675af"
        + "000000000000000000000000000000000000000000000000000158aaf82e2aea"
        + "000000000000000000000000000000000000000000000000000000006abc2ec7"
        + "000000000000000000000000000000000000000000000000000000006abc5255"
        + word(0) + word(USER) + word(0) + word(0x140) + word(0),
    )  # fmt: skip
    FILLED = (
        ["0x44b559f101f8fbcc8a0ea43fa91a05a729a5ea6e14a7c75aa750374690137208",
         "0x" + word(42_161), "0x" + word(4_701_902),
         "0x000000000000000000000000394311a6aaa0d8e3411d8b62de4578d41322d1bd"],
        word("0x82af49447d8a07e3bd95bd0d56f35241523fbab1") + word(WETH)
        + "000000000000000000000000000000000000000000000000000187dbd68675af"
        + "000000000000000000000000000000000000000000000000000158aaf82e2aea"
        + word(42_161)
        + "000000000000000000000000000000000000000000000000000000006abc5255"
        + word(0) + word(0) + word(USER) + word(USER) + word(0)
        + word(USER) + word(0)
        + "000000000000000000000000000000000000000000000000000158aaf82e2aea" + word(0),
    )  # fmt: skip

    def test_a_deposit_and_its_fill(self) -> None:
        sent = one(said(ARBITRUM, *self.SENT))
        filled = one(said(ETH, *self.FILLED))
        assert (sent["side"], sent["id"], sent["amount"]) == (
            SENT, "42161:4701902", 430_853_243_434_415)  # fmt: skip
        assert sent["token"] == parse("0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", "eip155:42161")
        assert (filled["side"], filled["id"], filled["amount"]) == (
            RECEIVED, "42161:4701902", 378_966_308_170_474)  # fmt: skip
        assert filled["receiver"] == parse(USER, "eth")
        assert filled["token"] == parse(WETH, "eth")
        assert agree(sent, filled)

    @pytest.mark.parametrize("place", [0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
    def test_each_term_of_the_fill_is_held_to_the_deposit(self, place: int) -> None:
        """What a relay is made of: not who is paid back where, nor what was agreed in the end."""
        topics, data = self.FILLED
        other = data[: place * 64] + word(7) + data[(place + 1) * 64 :]
        assert not agree(one(said(ARBITRUM, *self.SENT)), one(said(ETH, topics, other)))

    def test_the_older_form(self) -> None:
        """Its deposit named no token to be paid out: whichever stands for it.

        Base, 0x95714346d20bfaa328b75e4e6cf980d9620c4c4331af935032f848a118f05a1b; Ethereum,
        0x816ebca944c8cf40309c8c2ec4bd0f6e25f78d782cf7732f93ca771e55b8f8a0.
        """
        base, relayer = "0x4200000000000000000000000000000000000006", ZERO
        paid, wanted, until = 330_000_000_000_000_000, 329_132_286_989_970_407, 4_294_967_295
        whom = "0xdd8591007149631190f1013ac1067305f191cd0a"
        router = "0x1231deb6f5749ef6ce6943a275a1d3e7486f4eae"
        a, n, short = "address", "uint256", "uint32"
        sent = encode(
            [a, a, n, n, short, short, short, a, a, "bytes"],
            [base, ZERO, paid, wanted, 1_730_613_371, until, 0, whom, relayer, b""],
        )
        filled = encode(
            [a, a, n, n, n, short, short, a, a, a, "bytes", "(address,bytes,uint256,uint8)"],
            [base, WETH, paid, wanted, 8453, until, 0, relayer, router, whom, b"",
             (whom, b"", wanted, 0)],
        )  # fmt: skip
        deposit = one(said(BASE, [
            "0xa123dc29aebf7d0c3322c8eeb5b999e859f39937950ed31056532713d0de396f",
            "0x" + word(1), "0x" + word(2_395_968), "0x" + word(router)], sent.hex()))  # fmt: skip
        fill = one(said(ETH, [
            "0x571749edf1d5c9599318cdbc4e28a6475d65e87fd3b2ddbe1e9a8d5e7a0f0ff7",
            "0x" + word(8453), "0x" + word(2_395_968), "0x" + word(USER)],
            filled.hex()))  # fmt: skip
        assert (deposit["id"], deposit["amount"]) == ("8453:2395968", paid)
        assert (fill["id"], fill["amount"]) == ("8453:2395968", wanted)
        assert (fill["receiver"], fill["token"]) == (parse(whom, "eth"), parse(WETH, "eth"))
        assert agree(deposit, fill)


class TestCctp:
    """A burn on Ethereum, 0x7c9c7866df17ce30bc2086498752912d5e0ea1d1fac32d567509a0aef555a3b7; a
    message that was received there in
    0xac9f501fe0b76df1f07a22e1db30929fd12524bc7068d74012dff948632f0883.
    """

    TOPIC = "0x8c5261668696ce22758910d05bab8f186d6eb247ceac2af2e82c7dc17669b036"
    BURNT = (
        "000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000"
        "000000000000000000000000000000000000f80000000000000000000000020000000000015bda000000000000"
        "000000000000bd3fa81b58ba92a82136038b25adec7066af31550000000000000000000000002b406951795773"
        "5be00cee0fadae88a26365528f0000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48000000000000000000"
        "00000007ae8551be970cb1cca11dd7a11f47ae82e70e6700000000000000000000000000000000000000000000"
        "000000000001b774c27600000000000000000000000007ae8551be970cb1cca11dd7a11f47ae82e70e67000000"
        "0000000000"
    )  # fmt: skip
    DEPOSITED = (
        ["0x2fa9ca894982930190727e75500a97d8dc500233a5065e0f3126c48fbe0343c0",
         "0x" + word(0x15BDA), "0x" + word("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
         "0x" + word("0x07ae8551be970cb1cca11dd7a11f47ae82e70e67")],
        "00000000000000000000000000000000000000000000000000000001b774c276",
    )  # fmt: skip
    """The first word of DepositForBurn, and its topics: beside MessageSent in one transaction."""

    MESSAGE = (
        "000000000000000300000000000000000000127a00000000000000000000000019330d10d9cc8751218eaf51e8"
        "885d058642e08a000000000000000000000000bd3fa81b58ba92a82136038b25adec7066af3155000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000af88d0"
        "65e77c8cc2239327c5edb3a432268e58310000000000000000000000004af08f56978be7dce2d1be3c65c005b4"
        "1e79401c000000000000000000000000000000000000000000000000000000002057ff7a000000000000000000"
        "0000003a23f943181408eac424116af7b7790c94cb97a5"
    )
    ATTESTED = (
        "000000010000000600000000d4d6513acd76814050d26dfd9de17d316b1f3dd807b6ca2cf1a5c4730934aac700"
        "000000000000000000000028b5a0e9c621a5badaa536219b3a228c8168cf5d00000000000000000000000028b5"
        "a0e9c621a5badaa536219b3a228c8168cf5d000000000000000000000000000000000000000000000000000000"
        "0000000000000007d0000007d000000001000000000000000000000000833589fcd6edb6e08f4c7c32d4f71b54"
        "bda029130000000000000000000000006778b84d06804ecc154998b3fc73e557a4f1062d000000000000000000"
        "000000000000000000000000000000000000048a4a6300000000000000000000000000b3fa262d0fb521cc93be"
        "83d87b322b8a23daf3f00000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000"
    )

    def test_a_burn_says_what_the_event_beside_it_says(self) -> None:
        sent = one(said(ETH, [self.TOPIC], self.BURNT, V1[ETH][0]))
        topics, amount = self.DEPOSITED
        assert sent["id"] == f"0:{int(topics[1], 16)}" == "0:89050"
        assert sent["amount"] == int(amount, 16) == 7_372_849_782
        assert sent["token"] == bytes([Kind.EVM]) + bytes.fromhex(topics[2][-40:])

    def received(self, topic: str, nonce: str, message: bytes, head: int, *more: str) -> Any:
        """Return the log that the transmitter makes of a message when it is received."""
        sender = message[20:52] if head == 116 else message[44:76]
        data = encode(["uint32", "bytes32", "bytes"],
                      [int.from_bytes(message[4:8], "big"), sender, message[head:]])  # fmt: skip
        return [topic, "0x" + word(USER), nonce, *more], data.hex()

    def test_a_message_of_version_1_on_both_sides(self) -> None:
        message = bytes.fromhex(self.MESSAGE)
        sent = one(said(ARBITRUM, [self.TOPIC], encode(["bytes"], [message]).hex(),
                        V1[ARBITRUM][0]))  # fmt: skip
        log = self.received("0x58200b4c34ae05ee816d710053fff3fb75af4395915d3d2a771b24aa10e3cc5d",
                            "0x" + word(4_730), message, 116)  # fmt: skip
        got = one(said(ETH, *log, V1[ETH][0]))
        assert sent["id"] == got["id"] == "3:4730"
        assert int(sent["amount"]) == int(got["amount"]) == 542_637_946
        assert got["receiver"] == parse("0x4af08f56978be7dce2d1be3c65c005b41e79401c", "eth")
        assert sent["token"] == parse("0xaf88d065e77c8cC2239327C5EDb3A432268e5831", ARBITRUM)
        assert agree(sent, got)

    def unsigned(self) -> bytes:
        """Return the message as its source logged it: no nonce yet, nothing carried out yet."""
        message = bytearray.fromhex(self.ATTESTED)
        for first, until in ((12, 44), (144, 148), (148 + 164, 148 + 228)):
            message[first:until] = bytes(until - first)
        return bytes(message)

    def test_a_message_of_version_2_on_both_sides(self) -> None:
        data = encode(["bytes"], [self.unsigned()]).hex()
        sent = one(said(BASE, [self.TOPIC], data, V2[BASE][0]))
        nonce = "d4d6513acd76814050d26dfd9de17d316b1f3dd807b6ca2cf1a5c4730934aac7"
        log = self.received("0xff48c13eda96b1cceacc6b9edeedc9e9db9d6226afbc30146b720c19d3addb1c",
                            "0x" + nonce, bytes.fromhex(self.ATTESTED), 148,
                            "0x" + word(2000))  # fmt: skip
        found = said(ETH, *log, V2[ETH][0])
        alike, named = one(found, scheme=CCTP_ALIKE), one(found, scheme=CCTP)
        assert named["id"] == nonce
        assert sent["scheme"] == CCTP_ALIKE
        assert sent["id"] == alike["id"]
        assert int(sent["amount"]) == int(alike["amount"]) == 0x048A4A6300
        assert alike["receiver"] == parse("0x6778b84d06804ecc154998b3fc73e557a4f1062d", "eth")
        assert sent["token"] == parse("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "base")
        assert agree(sent, alike)
