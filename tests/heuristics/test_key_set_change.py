"""Multisigs that change their keys: what links them, what speaks against it, what cannot be told.

``2abc`` is the script of two of the keys a, b and c, behind P2WSH; ``s2abc`` behind P2SH, and
``n2abc`` nested. Every input shows its keys. A capital is somebody's address of one key.
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import combinations

import polars as pl
import pytest
from change_cases import read_whole
from hypothesis import given, settings
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.scripts import classify
from chainwatch.errors import RuleError
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.keys.key_set_change import key_set_changes, terms
from chainwatch.heuristics.rates import Rates
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import INPUT_KEYS, OUTPUT_KEYS

NAMES = "abcdefghijklmnopqrstuvwxyz"


def key(name: str, *, long: bool = False) -> bytes:
    x, y = sha256(name.encode()).digest(), sha256(name.upper().encode()).digest()
    return b"\x04" + x + y if long else bytes((2 + y[-1] % 2,)) + x


def asked(token: str) -> tuple[int, list[bytes]]:
    """Return how many must sign, and the keys; ``a'`` is the long form of the key a."""
    bare = token.lstrip("sn")
    letters = [one for one in bare[1:] if one != "'"]
    long = {bare[at - 1] for at, one in enumerate(bare) if one == "'"}
    return int(bare[0]), [key(one, long=one in long) for one in letters]


def script(token: str) -> bytes:
    if token.isupper():
        return b"\x00\x14" + sha256(token.encode()).digest()[:20]
    required, keys = asked(token)
    body = b"".join(bytes([len(one)]) + one for one in keys)
    shown = bytes([0x50 + required]) + body + bytes([0x50 + len(keys), 0xAE])
    if token[0] == "s":
        return b"\xa9\x14" + hash160(shown) + b"\x87"
    program = b"\x00\x20" + sha256(shown).digest()
    return b"\xa9\x14" + hash160(program) + b"\x87" if token[0] == "n" else program


def address(token: str) -> bytes:
    found = classify(script(token)).address
    assert found is not None
    return found


@pytest.fixture(scope="session")
def chain_of_sets(real_ledger):
    """Return a maker of ledgers: a line per transaction, such as ``2abc!NONE X -> 2abd Y``."""

    def make(text: str, *, gaps: tuple[int, ...] = (), hidden: str = "") -> Ledger:
        rows, keys = [], []
        for height, line in enumerate(text.strip().splitlines(), 1):
            left, _, right = line.partition("->")
            tokens = [token.partition("!") for token in left.split()]
            spent = [(90_000, script(name), None, flags or "ALL") for name, _, flags in tokens]
            txid = sha256(f"transaction {height}".encode()).digest()
            paid = [(1_000 + 7 * n, script(name)) for n, name in enumerate(right.split())]
            rows.append((txid, spent, paid))
            keys += [
                {"chain": "", "tx": height << 24 | 1, "n": n, "k": k, "required": required,
                 "key": one}
                for n, (name, _, _) in enumerate(tokens)
                if not name.isupper() and name not in hidden.split()
                for required, each in [asked(name)]
                for k, one in enumerate(each)
            ]  # fmt: skip
        ledger = real_ledger(rows, "btc-regtest")
        heights = ledger.frames["transactions"].select("height", "time", "chain")
        here = pl.lit(heights["chain"][0]).alias("chain")
        shown = pl.DataFrame(keys, schema=INPUT_KEYS.schema).with_columns(here)
        read = read_whole(heights, gaps)
        return Ledger.from_tables({**ledger.frames, **read, "input_keys": shown})

    return make


def said(links: cw.Links) -> set[tuple[bytes, bytes, bool | None]]:
    assert set(links.frame["rule"]) <= {"key_set_change"}
    return set(links.frame.select("a", "b", "veto").rows())


def pair(one: str, other: str, veto: bool | None) -> tuple[bytes, bytes, bool | None]:
    a, b = sorted((address(one), address(other)))
    return a, b, veto


JOINS, REFUSED, OPEN, NOTHING = False, True, None, "nothing"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2abc", "2abd", JOINS),
        ("s2abc", "s2abd", JOINS),
        ("n2abc", "2bad", JOINS),
        ("2abc", "2cba", JOINS),  # the same keys in another order: another script
        ("2abc", "3abc", JOINS),
        ("2ab", "2ba", JOINS),
        ("2ab", "2abc", JOINS),
        ("2abc", "2ab", JOINS),
        ("3abcde", "3abcfg", JOINS),
        ("3abcde", "2abc", JOINS),
        ("2abc", "s2abc", JOINS),  # P2SH of the script, not of its program
        ("2abc", "n2abc", NOTHING),  # one script: same_key links it
        ("2abc", "2ade", NOTHING),
        ("2ab", "2ac", NOTHING),  # with a co-signer
        ("1abc", "1abd", OPEN),  # the new key suffices alone
        ("2abc", "3abde", OPEN),  # the two that are left cannot spend any more
        ("3abcde", "3abfgh", OPEN),
        ("2abcd", "2abef", OPEN),  # others can spend without either of them
        ("2abc", "2abde", OPEN),
        ("2aab", "2aac", NOTHING),  # one key twice is one key
        ("2abb", "2abc", JOINS),
        ("2a'bc", "2abd", JOINS),  # a key in its long form is the same key
        ("2a'bc", "2abc", JOINS),
    ],
)
def test_which_keys_tie_two_scripts(chain_of_sets, one, other, expected):
    ledger = chain_of_sets(f"{one} -> {other} X\n{other} -> Y")
    found = said(key_set_changes(ledger, unless=None))
    assert found == (set() if expected == NOTHING else {pair(one, other, expected)})


def test_only_a_payment_from_one_to_the_other_links(chain_of_sets):
    assert said(key_set_changes(chain_of_sets("2abc -> X\n2abd -> Y"), unless=None)) == set()
    both = chain_of_sets("2abc 2abd -> 2abc 2abd X")
    assert said(key_set_changes(both, unless=None)) == {pair("2abc", "2abd", OPEN)}
    assert key_set_changes(both, unless=None).frame.height == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2abc -> 2abd X\n2abd -> Y", JOINS),
        ("2abc -> 2abd 2abc X\n2abd -> Y", OPEN),  # what is left goes back: a payment
        ("X -> 2abd\n2abc -> 2abd X\n2abd -> Y", OPEN),  # somebody paid it first
        ("2abd -> X\n2abc -> 2abd X", OPEN),
        ("2abc -> X\n2abc -> 2abd\nX -> 2abc\n2abd -> Y", JOINS),  # it is paid later too
    ],
)
def test_what_takes_the_place_of_a_set_is_new_and_takes_all(chain_of_sets, text, expected):
    found = said(key_set_changes(chain_of_sets(text), unless=None))
    assert found == {pair("2abc", "2abd", expected)}


def test_coins_that_follow_into_a_set_that_is_not_new_any_more_are_leads(chain_of_sets):
    ledger = chain_of_sets("2abc -> 2abd X\n2abc -> 2abd\n2abd -> Y")
    assert key_set_changes(ledger, unless=None).frame["veto"].to_list() == [False, None]


def test_a_script_that_was_not_shown_links_nobody(chain_of_sets):
    """Its keys are unknown: nothing is said of it, and nothing refused."""
    assert said(key_set_changes(chain_of_sets("2abc -> 2abd X"), unless=None)) == set()
    text = "2abc -> 2abd X\n2abd -> Y"
    assert said(key_set_changes(chain_of_sets(text, hidden="2abd"), unless=None)) == set()
    assert said(key_set_changes(chain_of_sets(text, hidden="2abc"), unless=None)) == set()


def customers(count: int, keys: str) -> str:
    """Return wallets of a service, each with a key of its customer, that spend to somebody."""
    return "\n".join(f"2{NAMES[25 - n]}{keys} -> X" for n in range(count))


@pytest.mark.parametrize(("others", "expected"), [(0, JOINS), (3, JOINS), (4, REFUSED)])
def test_a_key_of_many_sets_is_a_services(chain_of_sets, others, expected):
    """Two keys of a service, one of each customer; the cap of five sets, two of them the pair's."""
    text = f"2abc -> 2dbc X\n2dbc -> Y\n{customers(others, 'bc')}"
    found = said(key_set_changes(chain_of_sets(text), sets=5, unless=None))
    assert found == {pair("2abc", "2dbc", expected)}


def test_a_service_beside_two_keys_of_ones_own_costs_the_link(chain_of_sets):
    """Of two shared keys one is a co-signer's: what is left is one key, and that is refused."""
    text = f"2abc -> 2adc X\n2adc -> Y\n{customers(9, 'c')}"
    assert said(key_set_changes(chain_of_sets(text), unless=None)) == {
        pair("2abc", "2adc", REFUSED)
    }
    assert said(key_set_changes(chain_of_sets(text), unless=None, sets=11)) == {
        pair("2abc", "2adc", JOINS)
    }


def test_one_set_in_several_scripts_counts_once_and_bare_keys_count(chain_of_sets):
    text = "2abc -> 2abd X\n2abd -> Y\ns2abc -> Y\n2cba -> Y\nn2abd -> Y"  # of abc and of abd
    ledger = chain_of_sets(text)
    assert said(key_set_changes(ledger, sets=2, unless=None)) == {pair("2abc", "2abd", JOINS)}
    bare = ledger.frames["outputs"].head(1).with_columns(
        n=pl.lit(9, pl.Int64), script_kind=pl.lit("multisig"), address=pl.lit(None, pl.Binary)
    )  # fmt: skip
    rows = [(*bare.select("chain", "tx", "n").row(0), k, 2, key(one)) for k, one in enumerate("ab")]
    more = {
        "outputs": pl.concat([ledger.frames["outputs"], bare]),
        "output_keys": pl.DataFrame(rows, schema=OUTPUT_KEYS.schema, orient="row"),
    }
    found = key_set_changes(Ledger.from_tables({**ledger.frames, **more}), sets=2, unless=None)
    assert said(found) == {pair("2abc", "2abd", REFUSED)}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("ALL", JOINS), ("ALL|ANYONECANPAY", OPEN), ("NONE", OPEN), ("SINGLE", OPEN)],
)
def test_who_signs_so_that_others_may_add_outputs_may_not_have_paid(chain_of_sets, flags, expected):
    ledger = chain_of_sets(f"2abc!{flags} -> 2abd X\n2abd -> Y")
    assert said(key_set_changes(ledger, unless=None)) == {pair("2abc", "2abd", expected)}
    beside = chain_of_sets(f"2abc!{flags} 2abc -> 2abd X\n2abd -> Y")
    assert said(key_set_changes(beside, unless=None)) == {pair("2abc", "2abd", JOINS)}


def test_in_how_many_sets_a_key_stands_is_known_where_all_was_read(chain_of_sets):
    text = "2abc -> 2abd X\n2abd -> Y"
    part = chain_of_sets(text, gaps=(0,))
    assert said(key_set_changes(part, unless=None)) == {pair("2abc", "2abd", OPEN)}
    above = chain_of_sets(text, gaps=(2,))
    assert said(key_set_changes(above, unless=None)) == {pair("2abc", "2abd", JOINS)}
    # An export without witnesses shows no keys of many a script.
    whole = chain_of_sets(text + "\nX -> Y")
    blind = pl.when(pl.col("address") == address("X")).then(None).otherwise("sighash")
    inputs = whole.frames["inputs"].with_columns(sighash=blind)
    unread = Ledger.from_tables({**whole.frames, "inputs": inputs})
    assert said(key_set_changes(unread, unless=None)) == {pair("2abc", "2abd", OPEN)}
    # What a cap refuses stays refused: more sets make it no better.
    served = chain_of_sets(f"2abc -> 2dbc X\n2dbc -> Y\n{customers(4, 'bc')}", gaps=(0,))
    assert said(key_set_changes(served, sets=5, unless=None)) == {pair("2abc", "2dbc", REFUSED)}


def test_strangers_who_build_a_transaction_together_refuse_it(chain_of_sets):
    mix = "2abc A B -> 2abd X Y"
    ledger = chain_of_sets(f"{mix}\n2abd -> Y")
    even = ledger.frames["outputs"].with_columns(value=pl.lit(50_000, pl.Int64))
    ledger = Ledger.from_tables({**ledger.frames, "outputs": even})
    assert said(key_set_changes(ledger, unless=equal_outputs())) == {pair("2abc", "2abd", REFUSED)}
    assert said(key_set_changes(ledger, unless=None)) == {pair("2abc", "2abd", JOINS)}


def test_an_address_that_only_unlocking_names_can_be_left_out(chain_of_sets):
    ledger = chain_of_sets("2abc -> 2abd X\n2abd -> Y")
    for basis, kept in (("revealed", 1), ("disputed", 0)):
        first = pl.when(pl.col("address") == address("2abc")).then(pl.lit(basis))
        inputs = ledger.frames["inputs"].with_columns(
            value=pl.when(first.is_null()).then("value"),
            address_basis=first.otherwise("address_basis"),
        )
        found = key_set_changes(
            Ledger.from_tables({**ledger.frames, "inputs": inputs}), unless=None
        )
        assert found.frame["basis"].to_list() == kept * [basis]
        fewer = Ledger.from_tables({**ledger.frames, "inputs": inputs})
        assert key_set_changes(fewer, unless=None, revealed=False).frame.is_empty()


def test_why_and_cut(chain_of_sets):
    ledger = chain_of_sets("2abc -> 2abd X\n2abd -> 2bde Y\n2bde -> Y")
    clusters = cw.cluster(key_set_changes(ledger, unless=None))
    told = clusters.why(address("2abc"), address("2bde"))
    assert told.joined
    assert told.frame["rule"].to_list() == ["key_set_change"] * 2
    first = sha256(b"transaction 1").digest()
    assert first in told.frame["txid"].to_list()
    without = clusters.cut(rule="key_set_change")
    assert not without.why(address("2abc"), address("2abd"), "btc-regtest").joined
    assert not clusters.cut(tx=first).why(address("2abc"), address("2bde")).joined


def test_only_the_span_links_and_all_that_was_read_counts(chain_of_sets):
    ledger = chain_of_sets("2abc -> 2abd X\n2abd -> 2abe X\n2abe -> Y")
    times = ledger.frames["transactions"]["time"]
    late = ledger.between(times[1], times[2])
    assert said(key_set_changes(late, unless=None)) == {pair("2abd", "2abe", JOINS)}


def test_its_confidence_is_of_its_own_terms(chain_of_sets, tmp_path):
    path = tmp_path / "rates.json"
    rate = {"right": 999, "of": 1000, "cases": 1000, "basis": "a test", "made": terms()}
    path.write_text(json.dumps({"rules": {"key_set_change": rate}}))
    ledger = chain_of_sets("2abc -> 2abd X\n2abd -> Y")
    found = key_set_changes(ledger, rates=Rates(path))
    assert found.frame["confidence"].to_list() == [0.997]
    for other in ({"sets": 11}, {"keys": 3}, {"unless": None}):
        rows = key_set_changes(ledger, rates=Rates(path), **other).frame
        assert set(rows["confidence"]) <= {None}


def test_what_links_nobody_is_refused(chain_of_sets):
    for how in ({"keys": 1}, {"sets": 0}):
        with pytest.raises(RuleError, match="link nobody"):
            key_set_changes(Ledger(), **how)
    with pytest.raises(RuleError, match="rule on transactions"):
        key_set_changes(Ledger(), unless=cw.heuristics.change.fresh_address())
    assert key_set_changes(Ledger()).frame.is_empty()


def plainly(lines: list[tuple[str, list[str]]], cap: int) -> set[tuple[bytes, bytes, bool | None]]:
    """Return what the rule must say of transactions that pay scripts, step by step."""
    shown = {one: asked(one) for one, _ in lines}
    stands = {
        letter: len({frozenset(one[1:]) for one in shown if letter in one}) for letter in NAMES
    }
    found = set()
    for at, (one, paid) in enumerate(lines):
        seen = {name for spent, others in lines[:at] for name in (spent, *others)}
        for other in set(paid) & set(shown) - {one}:
            common = set(one[1:]) & set(other[1:])
            if len(common) < 2:
                continue
            rare = {letter for letter in common if stands[letter] <= cap}

            def able(held: set[str], one: str = one, other: str = other) -> bool:
                """Can these sign for both, and nobody else for either?"""
                return all(
                    any(set(s) <= held for s in combinations(each[1:], int(each[0])))
                    and not any(held.isdisjoint(s) for s in combinations(each[1:], int(each[0])))
                    for each in (one, other)
                )

            same = len(rare) >= 2 and able(rare)
            refused = not same and (len(rare) < 2 or able(common))
            joins = same and other not in seen and one not in paid
            found.add(pair(one, other, REFUSED if refused else JOINS if joins else OPEN))
    return found


SETS = st.builds(
    lambda keys, required: f"{min(required, len(keys))}{''.join(keys)}",
    st.lists(st.sampled_from("abcdef"), min_size=2, max_size=4, unique=True),
    st.integers(1, 4),
)


@settings(max_examples=40)
@given(
    lines=st.lists(st.tuples(SETS, st.lists(SETS, max_size=3, unique=True)), max_size=9),
    cap=st.integers(1, 6),
)
def test_it_says_what_a_plain_reading_says(chain_of_sets, lines, cap):
    text = "\n".join(f"{one} -> X {' '.join(paid)}" for one, paid in lines)
    if not lines:
        return
    ledger = chain_of_sets(text)
    links = key_set_changes(ledger, sets=cap, unless=None)
    assert said(links) == plainly(lines, cap)
    mixed = Ledger.from_tables({
        name: rows.sample(fraction=1, shuffle=True, seed=7) for name, rows in ledger.frames.items()
    })  # fmt: skip
    assert key_set_changes(mixed, sets=cap, unless=None).frame.equals(links.frame)
