"""What stands in column ``rule`` of links, and what of it is one claim, or a prediction."""

from __future__ import annotations

NO_KEY = "no_key"
"""Rule of a link to an address that asks for no key: it is always refused."""

CO_SPEND = "co_spend"
"""Rule of a link between inputs whose signatures bind the whole transaction."""

PARTIAL = "partial_signing"
"""Rule of a link to an input that is unsigned, or whose signatures leave room for others."""

UNREAD = "co_spend_unread_flags"
"""Rule of a link to an input of which no signature was read."""

SEVERAL_KEYS = "several_keys"
"""Rule of a link to an output that asks for the signatures of several keys, of one owner or not."""

ONE_CLAIM = (CO_SPEND, UNREAD)
"""Rules whose links of one transaction are one claim: that all these inputs have one owner."""

OF_INPUTS = (*ONE_CLAIM, PARTIAL, SEVERAL_KEYS)
"""Rules that say whether the inputs of a transaction have one owner; others rest on that."""

SAME_KEY, SAME_SCRIPT = "same_key", "same_script"
"""Rules of links to an address that the same key, or the same script, spends from: stars as well,
around the smallest address, of which each is one claim."""

KEY_SET_CHANGE = "key_set_change"
"""Rule of a link between a multisig and one of nearly the same keys that it pays."""

CHANGE = "change"
"""Rule of a link that rounds predicted where the rule on change alone left one output."""

AFTER = "change after clusters"
"""Rule of a link that rounds predicted where the rule and what earlier rounds joined left one."""

PEEL = "peel chain"
"""Rule of a link between the payer of a transaction and the output by which a chain goes on."""

PREDICTED = (CHANGE, AFTER, PEEL)
"""Rules of links that were predicted from clusters: they rest on all that joined these."""

STATEMENT = "statement"
"""Rule of a link that rests on no transaction, where nobody gives it another name."""

OF_ACCOUNTS = (
    "activation",
    "airdrop_collected",
    "deposit_reuse",
    "deposit_reuse_known",
    "deposit_reuse_production",
    "first_funder",
    "permission_key",
    "safe_key_change",
    "safe_owner",
    "self_authorization",
)
"""Rules that link accounts: the names of their makers."""

TAKEN = (*OF_INPUTS, NO_KEY, SAME_KEY, SAME_SCRIPT, KEY_SET_CHANGE, *PREDICTED, *OF_ACCOUNTS)
"""Names that a rule of somebody's own cannot have: what is made of links depends on them."""

APART = {"partly_signed": PARTIAL, "flags_unread": UNREAD, "shared_keys": SEVERAL_KEYS}
"""Rules of links that every summary counts apart, by the name of their count."""

OF_ALL = {
    "partly_signed": "to inputs signed in part or not at all",
    "flags_unread": "with flags unread",
    "shared_keys": "to outputs of several keys",
    "revealed": "on revealed addresses",
}
"""What a summary says after the count, by the name of the count."""
