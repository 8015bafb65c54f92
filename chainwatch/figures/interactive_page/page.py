"""One HTML file that asks nobody for anything: data, style, our scripts, and bokeh's own.

A Content-Security-Policy in the file forbids every request, and every script but those whose
SHA-256 it names; bokeh runs without evaluating text as a script, for nothing is given to it as one.
Styles may stand in the page, for bokeh writes its own: they can load nothing either.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from chainwatch.errors import MissingExtra

SCRIPTS = (
    "words.js", "model.js", "drawing.js", "timeline.js", "panel.js", "table.js", "exports.js",
    "keyboard.js", "start.js",
)  # fmt: skip
"""Our scripts in the order in which they stand in the page."""

ESCAPED = str.maketrans({
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
})  # fmt: skip
"""What could end the element in which the data stands, or a line of it."""

FRAME_HEIGHT = 640
"""Height of the view in a notebook, in pixels."""


def page(data: Mapping[str, Any], *, packed: bool = False) -> str:
    """Return the page of some data.

    Parameters
    ----------
    data : mapping
        What `chainwatch.figures.interactive_page.payload.payload` returned.
    packed : bool
        Carry bokeh compressed, and unpack it in the browser: a quarter of the size, for notebooks.

    Raises
    ------
    MissingExtra
        If bokeh is not installed.
    """
    library, ours = bokeh_script(), our_script()
    allowed = " ".join(f"'sha256-{digest(script)}'" for script in (library, ours, LOADER))
    parts = {
        "title": escape(str(data["words"]["title"])),
        "policy": f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline';"
        " base-uri 'none'; form-action 'none'",
        "style": _own("page.css"),
        "data": as_json(data),
        "library": _packed(library, ours) if packed else _script(library) + _script(ours),
    }
    text = _own("page.html")
    for name, part in parts.items():
        before, mark, after = text.partition(f"<!--{name}-->")
        if not mark:
            raise KeyError(f"page.html has no place for {name}")
        text = before + part + after
    return text


def frame(data: Mapping[str, Any]) -> str:
    """Return the page in a frame of its own, for notebooks: it can reach nothing around it."""
    title = escape(f"Interactive figure: {data['words']['title']}", quote=True)
    return (
        f'<iframe title="{title}" sandbox="allow-scripts allow-downloads" loading="lazy"'
        f' style="width:100%;height:{FRAME_HEIGHT}px;border:1px solid #999"'
        f' srcdoc="{escape(page(data, packed=True), quote=True)}"></iframe>'
    )


def as_json(data: Mapping[str, Any]) -> str:
    """Return data as JSON that stands safely in an element of a page, the same from run to run."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.translate(ESCAPED)


def digest(script: str) -> str:
    """Return the SHA-256 of a script, as a Content-Security-Policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def bokeh_script() -> str:
    """Return the part of bokeh's JavaScript that draws, from the installed package.

    Raises
    ------
    MissingExtra
        If bokeh is not installed.
    """
    if find_spec("bokeh") is None:
        raise MissingExtra(
            "bokeh is not installed", remedy="run: pip install 'chainwatch[interactive]'"
        )
    text = files("bokeh").joinpath("server", "static", "js", "bokeh.min.js").read_text("utf-8")
    if "</script" in text.lower() or "<!--" in text:
        raise MissingExtra(
            "the JavaScript of this bokeh cannot stand in a page",
            remedy="install the version that chainwatch's extra 'interactive' names",
        )
    return text


@cache
def our_script() -> str:
    """Return our scripts as one, in a scope of its own."""
    return '(function () {\n"use strict";\n' + "\n".join(map(_own, SCRIPTS)) + "\n})();\n"


LOADER = """(async function () {
  const [, packed] = document.getElementById("packed").textContent.split(",");
  const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  for (const text of JSON.parse(await new Response(stream).text())) {
    const script = document.createElement("script");
    script.textContent = text;
    document.body.appendChild(script);
  }
})();
"""
"""Unpacks the scripts of a page in a notebook; the policy allows them by their digests."""


@cache
def _packed(library: str, ours: str) -> str:
    data = gzip.compress(json.dumps([library, ours]).encode(), 9, mtime=0)
    text = base64.b64encode(data).decode()
    # Written so that a search for leaks finds and opens it, as all that is packed in a page.
    coded = f"data:application/gzip;base64,{text}"
    return f'<script type="text/plain" id="packed">{coded}</script>{_script(LOADER)}'


def _script(text: str) -> str:
    return f"<script>{text}</script>"


@cache
def _own(name: str) -> str:
    return files("chainwatch.figures.interactive_page").joinpath(name).read_text("utf-8")
