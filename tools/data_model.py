"""Write docs/data-model.md from the schema, so that the page and the code cannot differ."""

from __future__ import annotations

import sys
from pathlib import Path

from chainwatch.ledger.schema import COMMITS, TABLES, Table

PAGE = Path(__file__).parent.parent / "docs" / "data-model.md"

HEAD = """\
# The tables of a ledger

A ledger is a folder of Delta Lake tables. Each is append-only; a `commits` row, written last,
pins the version of every table, so that several tables change together or not at all. A reader
sees one commit; a writer that was killed leaves nothing behind.

What holds for every table:

* **chain** is the CAIP-2 id. A testnet is a chain of its own.
* **address** is canonical bytes: one byte for the kind (1 P2PKH, 2 P2SH, 3 P2WPKH, 4 P2WSH,
  5 P2TR, 6 other witness program, 7 P2SH32, 16 EVM account, 17 Tron account), then the payload.
  Text is derived and never stored. The same key on two chains is two addresses.
* **txid** and block hashes are 32 bytes in wire order; text is reversed for Bitcoin-like chains.
* **tx** is `height << 24 | position`: stable for ever, and the order of the chain. Where a source
  knows no height it is null, the time orders, and `order_uncertain` says so. A transfer of which
  only the height is known has no time: the height orders, it lies in no span, and that is said.
* **Amounts** are base units: 64-bit integers for coins, 38-digit decimals for transfers. A wider
  amount is null and stands in `amount_hex`; a total over it is unknown. Sums are made in 38-digit
  decimals or Python integers, never in 64 bits.
* **Null** means *unknown or not read*. It is never filled and never equals another null.
* **Time** is UTC in microseconds; spans are half-open.
* A coinbase has no inputs. The value of OP_RETURN is burnt. P2PK and bare multisig have no
  address; their keys stand in `output_keys`, and one owner is not assumed.
* **class** says what a column may give away, and so what the disclosure edition does with it: see
  `Privacy` in `chainwatch/results/table.py`.
* Fees are not stored: whether a fee is known depends on what else was read, so it is a feature.
* Whether an output is spent is not stored either. `chainwatch/ledger/output_status.py` alone
  decides what is known of it, from `inputs` and every unit of `coverage`: *spent*, *unspent* as of
  a block, or *not known*. A header in `blocks` without a unit of coverage says nothing of its
  block.

The page is written by `tools/data_model.py` from `chainwatch/ledger/schema.py`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return HEAD + "".join(_table(table) for table in (*TABLES, COMMITS))


def _table(table: Table) -> str:
    lines = [
        "",
        f"## {table.name}",
        "",
        table.meaning,
        "",
        f"Key: {', '.join(f'`{name}`' for name in table.key)}.",
        "",
        "| column | type | unit | null | class | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for column in table.columns:
        dtype = str(column.dtype() if isinstance(column.dtype, type) else column.dtype)
        kind = dtype.replace("|", "\\|")
        null = "yes" if column.nullable else ""
        meaning = column.meaning.replace("|", "\\|")
        lines.append(
            f"| `{column.name}` | {kind} | {column.unit} | {null} | {column.privacy} | {meaning} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
