"""Run the notebooks of examples/ cell by cell and keep what they print and draw.

Usage: ``python tools/notebooks.py [NOTEBOOK...]``. No Jupyter is needed; each is run in a process
of its own, so that a notebook shows what a reader would see who runs its cells from top to bottom.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"


def run_cell(source: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one cell and return its outputs as a notebook holds them."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)  # noqa: S102 - the cells are ours
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)  # noqa: S307
    found: list[dict[str, Any]] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        found.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        data = shown(value)
        found.append({"output_type": "display_data", "metadata": {}, "data": data})
    return found


def shown(value: Any) -> dict[str, Any]:
    """Return a value as a notebook shows it: as text, as a page, or as a picture."""
    if type(value).__module__.startswith("matplotlib."):
        picture = io.BytesIO()
        value.get_figure(root=True).savefig(picture, dpi=100, metadata={"Software": None})
        drawn = base64.b64encode(picture.getvalue()).decode()
        return {"text/plain": [str(value.get_label())], "image/png": drawn}
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(keepends=True)
    return data


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run all cells of a notebook from top to bottom, in a folder of their own."""
    names: dict[str, Any] = {"__name__": "__main__"}
    number, before = 0, Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code":
                    number += 1
                    cell["execution_count"] = number
                    cell["outputs"] = run_cell("".join(cell["source"]), names)
        finally:
            os.chdir(before)
    return notebook


def main(paths: list[str]) -> None:
    """Run each notebook and write it anew, in a process of its own: an edition stays open."""
    if not paths:
        for path in sorted(EXAMPLES.glob("*.ipynb")):
            subprocess.run([sys.executable, __file__, str(path)], check=True)
    for path in map(Path, paths):
        made = run(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        sys.stdout.write(f"{path.name} written\n")


if __name__ == "__main__":
    main(sys.argv[1:])
