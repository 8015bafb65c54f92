"""Which tests may be skipped, why, and how to have them run: said at the end of every run.

A skip for any other reason fails the run, so that no test falls silent unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable

ACCEPTED: dict[str, tuple[str, str]] = {
    "CHAINWATCH_DATA": ("real chain data", "set CHAINWATCH_DATA to the folder that holds it"),
    "CHAINWATCH_BITCOIND": (
        "a real node", "set CHAINWATCH_BITCOIND to a folder with bin/bitcoind",
    ),
    "CHAINWATCH_ELECTRUMX": (
        "a real Electrum server", "set CHAINWATCH_ELECTRUMX to a venv with e-x and plyvel",
    ),
    "CHAINWATCH_ANVIL": (
        "a development node of Ethereum",
        "set CHAINWATCH_ANVIL to a folder into which npm installed @foundry-rs/anvil",
    ),
    "CHAINWATCH_KERNEL_PYTHON": (
        "py-bitcoinkernel", "set CHAINWATCH_KERNEL_PYTHON to the Python of a venv that has it",
    ),
    "CHAINWATCH_CHROMIUM": ("a browser", "set CHAINWATCH_CHROMIUM to the program of Chromium"),
    "CHAINWATCH_PDFTOPPM": (
        "pages as pictures", "set CHAINWATCH_PDFTOPPM to the program pdftoppm of poppler",
    ),
    "CHAINWATCH_FTM_PYTHON": (
        "followthemoney", "set CHAINWATCH_FTM_PYTHON to the Python of a venv that has it",
    ),
    "pygraphviz is not installed": (
        "pygraphviz", "install the libraries of Graphviz and a C compiler, then `make setup`",
    ),
    "typst is not installed": ("typst", "see what `make setup` says of it"),
    "noto-cjk-sans-otc is not installed": ("typefaces", "see what `make setup` says of them"),
    "scikit-learn is not installed": ("scikit-learn", "see what `make setup` says of it"),
    "scipy is not installed": ("scipy", "see what `make setup` says of it"),
    "opendp is not installed": ("opendp", "see what `make setup` says of it"),
    "bokeh is not installed": ("bokeh", "see what `make setup` says of it"),
    "pyhanko is not installed": ("pyhanko", "see what `make setup` says of it"),
    "stix2 is not installed": ("stix2", "see what `make setup` says of it"),
    "pymisp is not installed": ("pymisp", "see what `make setup` says of it"),
    "this system": ("another system", "run the tests on a system that has it"),
}  # fmt: skip
"""By what stands in the reason of a skip: what is missing, and how to get it."""


def told(reasons: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return a line for each thing that skipped tests lack, and the reasons nobody accepted."""
    counts: dict[str, int] = {}
    strange: list[str] = []
    for reason in reasons:
        cause = next((known for known in ACCEPTED if known in reason), None)
        if cause is None:
            strange.append(reason)
        else:
            counts[cause] = counts.get(cause, 0) + 1
    lines = [
        f"{counts[cause]} skipped for want of {what}: {remedy}"
        for cause, (what, remedy) in ACCEPTED.items()
        if cause in counts
    ]
    return lines, sorted(set(strange))
