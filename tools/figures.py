"""Draw the figures of ``docs/figures.md`` from the simulated case: python tools/figures.py.

All are of the disclosure edition, with a key that is no secret, so that they are the same bytes on
each run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import chainwatch as cw  # noqa: E402
from chainwatch import figures  # noqa: E402
from chainwatch.attribution.tags import Tags  # noqa: E402
from chainwatch.clusters.peeling.chains import Shape  # noqa: E402
from chainwatch.figures.style import save_one  # noqa: E402
from chainwatch.ledger.ledger import Ledger  # noqa: E402
from chainwatch.privacy.edition import DISCLOSURE, Edition  # noqa: E402
from chainwatch.privacy.roles import roles_of  # noqa: E402

FOLDER = ROOT / "docs" / "figures"
KEY = bytes(32)
SHAPE = Shape(least_hops=3, most_percent=50)
"""Peel chains of the simulated case are short."""


def draw(ledger: Ledger, tags: Tags, folder: Path) -> list[Path]:
    """Draw each figure of flow of the simulated case into a folder, and return the files."""
    vendors = tags.where(concept="vendor").addresses()
    across = cw.trace_all(ledger, vendors, stop=tags.services())
    trace = across.traces["fifo"]
    owners = cw.owners(ledger, tags=tags)
    peels = cw.peel_chains(ledger, tags=tags, shape=SHAPE)
    kelp = tags.where(actor="kelp").addresses()
    ways = cw.paths(ledger, kelp, tags.where(actor="harbour"), tags=tags)
    one, other, *_ = sorted(
        owners.frame.filter(cluster=owners.frame["cluster"].mode().sort()[0])["address"]
    )
    why = owners.why(one, other)
    shown = Edition(DISCLOSURE, KEY, roles=roles_of([trace, across, ways, tags]))
    drawn = {
        "flow_graph": figures.flow_graph(trace, None, tags, peels=peels).plot(shown),
        "flow": figures.flow(trace, None, tags, peels=peels).plot(shown),
        "policy_range": figures.policy_range(across, edition=shown),
        "timeline": figures.timeline(trace, edition=shown),
        "sum_check": figures.sum_check(trace, edition=shown),
        "routes": figures.routes(ways, edition=shown, top=2),
        "path": figures.path(why, edition=shown),
    }
    files = []
    for name, ax in drawn.items():
        files.append(folder / f"{name}.svg")
        figure = ax.get_figure(root=True)
        if figure is None:
            raise RuntimeError(f"{name} lost its figure")
        save_one(figure, files[-1], replace=True)
    return files


def main() -> None:
    """Simulate the case, read it as an investigator would, and draw."""
    from chainwatch.simulate.otter import otter

    with tempfile.TemporaryDirectory() as name:
        case = otter().write(Path(name) / "case")
        ledger = Path(name) / "ledger"
        cw.pull(ledger, cw.BlockFiles([case / "blocks.dat"], chain="btc-regtest"))
        for file in draw(cw.open_ledger(ledger), cw.read_tags(case / "tags"), FOLDER):
            print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
