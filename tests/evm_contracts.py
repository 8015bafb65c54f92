"""Contracts that a development node runs in tests: a token, and small ones written by hand.

The token was compiled with Vyper 0.4: ``transfer``, ``balanceOf``, and ``split``, which sends the
coins that it gets on to two addresses. The others do one thing each, to the address in the first
word of what they are called with.
"""

from __future__ import annotations

ERC20 = (
    "0x346100df5760086040527f5465737420555344000000000000000000000000000000000000000000000000"
    "606052604080515f5560208101516001555060046040527f5455534400000000000000000000000000000000"
    "00000000000000000000000060605260408051600255602081015160035550600660045566038d7ea4c68000"
    "60055566038d7ea4c680006006336020525f5260405f2055335f7fddf252ad1be2c89b69c2b068fc378daa95"
    "2ba7f163c4a11628f55a4df523b3ef66038d7ea4c6800060405260206040a36102a36100e3610000396102a3"
    "610000f35b5f80fd5f3560e01c60026007820660011b61029501601e395f51565b63a9059cbb81186100bc57"
    "604436103417610291576004358060a01c610291576040526006336020525f5260405f208054602435808203"
    "828111610291579050905081555060066040516020525f5260405f2080546024358082018281106102915790"
    "509050815550604051337fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60"
    "243560605260206060a3600160605260206060f35b6306fdde03811861028d57346102915760208060405280"
    "6040015f54815260015460208201528051806020830101601f825f03163682375050601f19601f8251602001"
    "01169050810190506040f35b630f2c9329811861028d576043361115610291576004358060a01c6102915760"
    "40526024358060a01c610291576060523460011c6080525f5f5f5f6080516040515ff115610291575f5f5f5f"
    "6080518034033481116102915790506060515ff11561029157005b6395d89b4181186101c257346102915760"
    "208060405280604001600254815260035460208201528051806020830101601f825f03163682375050601f19"
    "601f825160200101169050810190506040f35b63dd62ed3e811861028d576044361034176102915760043580"
    "60a01c610291576040526024358060a01c6102915760605260076040516020525f5260405f20806060516020"
    "525f5260405f2090505460805260206080f35b63313ce5678118610236573461029157600454604052602060"
    "40f35b6318160ddd811861028d57346102915760055460405260206040f35b6370a08231811861028d576024"
    "36103417610291576004358060a01c6102915760405260066040516020525f5260405f205460605260206060"
    "f35b5f5ffd5b5f80fd0252028d028d0018010b021a0172855820346296f8aaeab5d260561f4095a4c4e39d9c"
    "9baa3557fa9b5daba52a1b108f231902a3810e00a1657679706572830004030036"
)
"""What deploys the token: 10^15 units of it, six decimals, to whoever deploys it."""

TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def deployed(code: str) -> str:
    """Return what deploys some code as it stands."""
    return f"0x60{len(code) // 2:02x}80600b6000396000f3{code}"


COUNTERFEIT = f"6040356000526020356000357f{TRANSFER}60206000a300"
"""Logs a transfer between the first two words, of the amount in the third, and moves nothing."""

OWNER_ADDED = "9465fa0c962cc76958e6373a993326400c1c94f8be2fe3a952adfa7f60b2ea26"
"""The topic of AddedOwner(address)."""

OWNER_IN_DATA = f"6000356000527f{OWNER_ADDED}60206000a100"
"""Logs that the first word was added as an owner, as Safe did up to 1.3.0."""

OWNER_AS_TOPIC = f"6000357f{OWNER_ADDED}60006000a200"
"""Logs the same as Safe does from 1.4.0 on."""

SENDS_AND_FAILS = "6000600060006000346000355af160006000fd"
"""Sends what it got on to the first word, and then fails, so that nothing moved."""

CALLS_AND_GOES_ON = "6020356000526000600060206000346000355af100"
"""Calls the first word with what it got and the second word, and does not mind if that fails."""

BATCH_SENDER = "".join(f"60006000600060006103e860{32 * k:02x}355af150" for k in range(3)) + "00"
"""Sends a thousand base units to each of the first three words."""

ENDS = "600035ff"
"""Destroys itself, and leaves what it has to the first word."""

CREATES = "6000600034f05000"
"""Creates an empty contract with what it got."""

DEPOSIT = "e1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
WITHDRAWAL = "7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"

WRAPS = (
    "3660365733543401335534600052"
    f"337f{DEPOSIT}60206000a200"
    "5b600435803354033355" + "80600052" + f"337f{WITHDRAWAL}60206000a2"
    "600060006000600084335af15000"
)
"""Wrapped coins: a call without data wraps what it got, one with data unwraps so many.

It keeps a balance for each holder and logs as WETH9 does, without asking whether there is enough.
"""

DELEGATES = "3660206000376000600060606000" + "6000355af45000"
"""Lets the code at the first word act in its place, with the three words that follow."""

LOGS = "606035600052" + "604035602035600035" + "60206000a300"
"""Logs an event of two indexed words: topic, first and second word, and one word of data."""

FORWARDS = "60806020600037" + "60006000608060006000" + "6000355af15000"
"""Calls the first word with the four that follow."""

RESOLVES = "603c3603355460406000523060205260206040526060526080" + "6000f3"
"""Answers as ENS does whom a name names: what it keeps under the hash of the name."""

LOGS_ALL = "606036036060600037" + "604035602035600035" + "60603603" + "6000a3" + "00"
"""Logs under the first three words all that it is called with behind them, and keeps what it got:
a gate into which coins go and which says so."""

PAYS_AND_LOGS = "6000600060006000" + "34" + "604035" + "5af150" + LOGS_ALL
"""Sends what it got on to the third word, and then logs likewise: a gate from which coins come."""
ENTRY_POINT = (
    "60406020600037" + "600060006040600060006000355af150"
    "6000600052" + "6001602052" + "608035604052" + "6001606052"
    "606035" + "600035" + "6001" + "7f{operation}" + "60806000a4"
    "6000600060006000608035335af15000"
)
"""Runs one operation: calls the account in the first word with payee and amount, logs the operation
with its paymaster in the fourth word, and pays whoever sent it what the fifth word says."""

SMART_ACCOUNT = "6000600060006000" + "602035" + "600035" + "5af15000"
"""Pays the amount in the second word to the first word, whoever calls."""


def token_pool(token: str) -> str:
    """Return a pool that pays the first word as many tokens as it gets coins."""
    return (
        "63a9059cbb60e01b600052" + "600035600452" + "34602452"
        "60006000604460006000" + f"73{token[2:].lower()}" + "5af15000"
    )


def entry_point() -> str:
    """Return the code of :data:`ENTRY_POINT`, with the topic of the event of operations."""
    from eth_hash.auto import keccak

    event = b"UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"
    return ENTRY_POINT.replace("{operation}", keccak(event).hex())
