"""Accounts that let a contract act for them (EIP-7702): who signed, and for which code.

The account that signs is not named: it is recovered from the signature. One whose signature cannot
be recovered, or that is for another chain, sets nothing and makes no row; whether its nonce was the
right one is not known from the block, so that a row says what was signed, and not that it was set.

References
----------
EIP-7702 (set code for EOAs); EIP-2 (low s).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.accounts import rows_of
from chainwatch.ledger import schema
from chainwatch.sources.evm.blocks import Sent
from chainwatch.sources.evm.fields import Authorization, address_of, hash_of, quantity

_MAGIC = b"\x05"
_HALF = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


def delegation_rows(sent: Sequence[Sent], chain: Chain) -> pl.DataFrame:
    """Return a row of ``approvals`` for each delegation that an account signed.

    ``owner`` is the account, ``spender`` and ``contract`` the code that acts for it; delegating to
    the zero address takes it back. ``log_index`` is the place in the list of its transaction.
    """
    columns: dict[str, list[Any]] = {
        name: [] for name in ("txid", "log_index", "tx", "time", "owner", "spender", "granted")
    }
    for one in sent:
        for position, tx in enumerate(one.block.transactions):
            for place, signed in enumerate(tx.authorizations or ()):
                owner = signer(signed, chain, one.where)
                if owner is None:
                    continue
                code = address_of(signed.address, "address of an authorization", one.where)
                row = (hash_of(tx.hash, "hash", one.where), place,
                       schema.pack_tx(one.height, position), one.time, owner, code,
                       code != bytes([Kind.EVM]) + bytes(20))  # fmt: skip
                for name, value in zip(columns, row, strict=True):
                    columns[name].append(value)
    given = {**columns, "contract": columns["spender"], "kind": "delegation"}
    return rows_of(schema.APPROVALS, chain.id, given, len(columns["txid"]))


def signer(signed: Authorization, chain: Chain, where: str) -> bytes | None:
    """Return the account that signed a delegation for this chain or for every one, if any did."""
    import rlp  # type: ignore[import-untyped]  # it brings none
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.crypto import keccak
    from eth_utils.exceptions import ValidationError

    number, nonce, r, s, parity = (
        quantity(text, f"{name} of an authorization", where)
        for name, text in (("chainId", signed.chain), ("nonce", signed.nonce), ("r", signed.r),
                           ("s", signed.s), ("yParity", signed.parity))
    )  # fmt: skip
    if number not in (0, int(chain.id.partition(":")[2])) or s > _HALF or parity > 1:
        return None
    code = address_of(signed.address, "address of an authorization", where)[1:]
    digest = keccak(_MAGIC + rlp.encode([number, code, nonce]))
    try:
        found = Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError):
        return None
    return bytes([Kind.EVM]) + found.to_canonical_address()
