"""Make or refresh .venv for one stage of work; quick when nothing has changed, resumed when cut."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "chainwatch-setup.json"
LOG = VENV / "chainwatch-setup.log"

_EXTRAS = (
    "layout",
    "report",
    "typefaces",
    "learn",
    "statistics",
    "health",
    "interactive",
    "sign",
    "stix",
    "misp",
)

STAGES = {
    "demo": ("run", "layout", "report", "typefaces", "interactive", "project"),
    "test": ("run", *_EXTRAS, "test", "project"),
    "check": ("run", *_EXTRAS, "test", "lint", "project"),
    "lock": ("lock",),
}
"""What each stage installs, in order; a layer is one file in requirements/, or the project."""

OPTIONAL = {
    "layout": "pygraphviz is not to be had here: figures use chainwatch's own, plainer layout",
    "report": "typst is not to be had here: reports are written as HTML, without the PDF",
    "typefaces": "Chinese, Japanese and Korean are written as code points: their typeface is not"
    " to be had here",
    "learn": "scikit-learn is not to be had here: fitted models can be used, and none be fitted",
    "statistics": "scipy is not to be had here: no link can be tested",
    "health": "opendp is not to be had here: nothing can be released with noise",
    "interactive": "bokeh is not to be had here: pictures to move about in are not written",
    "sign": "pyhanko is not to be had here: nothing can be signed or given a time stamp",
    "stix": "stix2 is not to be had here: no case is written as STIX",
    "misp": "pymisp is not to be had here: no case is written as an event of MISP",
}
"""Layers that may fail, and what is then lost; said aloud on every run."""

UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|Connection refused|ProxyError"
    r"|Connection broken|Name or service not known|name resolution|Network is unreachable"
)
BUILD_FAILED = re.compile(
    r"(?:Failed building wheel for|Failed to build|Could not build wheels for) '?([\w.-]+)"
    r"|failed-wheel-build-for-install"
)
MISSING = re.compile(r"No matching distribution found for (\S+)")
ALTERED = re.compile(r"^ +([\w.-]+==\S+) from ", re.MULTILINE)
NEEDED_GB = "2.0 GB"


class SetupStopped(Exception):
    """Set-up cannot go on; the text says why in one sentence."""


class PipFailed(SetupStopped):
    """Pip gave up; ``passing`` tells a cause that another day may not have."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        self.passing = passing
        super().__init__(reason)


def main(arguments: Sequence[str]) -> int:
    """Prepare the stage named in the one argument; return the exit status."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        print(f"usage: setup.py {{{'|'.join(STAGES)}}}", file=sys.stderr)
        return 2
    try:
        prepare(arguments[0])
    except SetupStopped as stopped:
        print(f"Set-up stopped: {stopped}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; the next run takes it up again.", file=sys.stderr)
        return 130
    return 0


def prepare(stage: str) -> None:
    """Bring every layer of a stage up to date, writing down each one as it is done."""
    done = read_stamp()
    why = reason_to_make_anew(done)
    if why:
        make_venv(why)
        done = {}
    done["python"] = python_key()
    for layer in STAGES[stage]:
        if done.get(layer) == layer_key(layer):
            continue
        if done.get(layer) == f"failed {layer_key(layer)}":
            print(f"Note: {OPTIONAL[layer]} (reason in {shown(LOG)}; `make clean` to try again).")
            continue
        done[layer] = install(layer)
        write_stamp(done)


def python_key() -> str:
    """Return what a .venv is tied to: Python's version, the machine's kind, the folder."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {platform.machine()} {VENV}"


def layer_key(layer: str) -> str:
    """Return the digest of the file that decides what a layer installs."""
    source = ROOT / "pyproject.toml" if layer == "project" else lock_file(layer)
    return hashlib.sha256(source.read_bytes()).hexdigest()


def lock_file(layer: str) -> Path:
    """Return the lock file of a layer."""
    return ROOT / "requirements" / f"{layer}.lock"


def read_stamp() -> dict[str, str]:
    """Return what was finished before; an unreadable stamp counts as nothing finished."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(done: dict[str, str]) -> None:
    """Replace the stamp in one step, so that no half of one is ever read."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(done, indent=1), encoding="utf-8")
    fresh.replace(STAMP)


def reason_to_make_anew(done: dict[str, str]) -> str:
    """Say why .venv has to be made (again); nothing if it is sound."""
    if not PYTHON.exists():
        return "none is there"
    if "python" in done:
        return "" if done["python"] == python_key() else "Python or the folder has changed"
    tell = "import pip, sys; print(sys.version_info[:2], sys.prefix)"
    asked = [str(PYTHON), "-I", "-c", tell]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    sound = said == f"{sys.version_info[:2]} {VENV}"
    return "" if sound else "the one there is unfinished or of another Python"


def make_venv(why: str) -> None:
    """Make an empty .venv with pip in it."""
    base = getattr(sys, "_base_executable", sys.executable)  # never the one that is being replaced
    name = f"Python {platform.python_version()}"
    print(f"Making .venv with {name} ({why}).", flush=True)
    command = [base, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return
    words = f"{made.stdout}\n{made.stderr}"
    if re.search(r"ensurepip|No module named '?venv", words):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupStopped(
            f"{name} at {base} comes without its venv module; install it (on Debian and Ubuntu: "
            f"apt install {package}) or set PYTHON=/path/to/another/python."
        )
    last = words.strip().splitlines()[-1] if words.strip() else "no message"
    raise SetupStopped(f"{name} at {base} could not make {VENV}: {last}.")


def install(layer: str) -> str:
    """Install one layer and return its stamp; an optional one may fail, and says so."""
    try:
        if layer == "project":
            pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT), layer=layer)
        else:
            pip("--require-hashes", "--requirement", str(lock_file(layer)), layer=layer)
    except PipFailed as failed:
        if layer not in OPTIONAL:
            raise
        print(f"Note: {OPTIONAL[layer]}. {failed}", flush=True)
        return "" if failed.passing else f"failed {layer_key(layer)}"
    return layer_key(layer)


def pip(*arguments: str, layer: str) -> None:
    """Run pip in .venv with the machine's own settings; its words go to the log."""
    total = 0 if layer == "project" else len(pinned(layer))
    title = f"Installing {layer}" + (f" ({total} packages)" if total else "")
    print(f"{title} ...", flush=True)
    settings = ("--no-input", "--no-color", "--disable-pip-version-check", "--progress-bar", "off")
    command = [str(PYTHON), "-I", "-m", "pip", "install", *settings, *arguments]
    environment = {**os.environ, "PIP_USER": "0"}  # a user-wide `user = true` cannot work in .venv
    words, collected = [], 0
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n=== {layer}\n")
        process = subprocess.Popen(
            command,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            for line in process.stdout or ():
                words.append(line)
                log.write(line)
                collected += line.startswith("Collecting ")
                show_progress(line, collected, total)
    if process.returncode:
        raise diagnosis("".join(words), layer)


def show_progress(line: str, collected: int, total: int) -> None:
    """Keep one line of a terminal up to date; write nothing where nobody watches."""
    if not sys.stdout.isatty() or not line.startswith(("Collecting ", "Installing ", "Success")):
        return
    text = f"  {collected} of at most {total}: {line.split()[1]}" if line[0] == "C" else ""
    text = "  unpacking" if line.startswith("Installing ") else text
    print(f"\r{text[:78]:<78}", end="\r" if line.startswith("Success") else "", flush=True)


def pinned(layer: str) -> list[str]:
    """Return the pins of a layer, without hashes and markers."""
    lines = lock_file(layer).read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line[:1].isalnum()]


def diagnosis(words: str, layer: str) -> PipFailed:
    """Put pip's failure into one sentence that names the packages and the remedy."""
    log = f"pip's own words are in {shown(LOG)}"
    missing = ", ".join(dict.fromkeys(MISSING.findall(words))) or f"the packages of {layer}"
    altered = ", ".join(dict.fromkeys(ALTERED.findall(words)))
    built = [match[1] for match in BUILD_FAILED.finditer(words) if match[1]]
    if "No space left on device" in words:
        return PipFailed(f"the disk is full, and {NEEDED_GB} is needed; {log}.", passing=True)
    if "DO NOT MATCH THE HASHES" in words:
        return PipFailed(
            f"what was sent as {altered or missing} is not the file that requirements/{layer}.lock "
            f"names, and was refused; check the package index that pip is set to; {log}.",
            passing=False,
        )
    if UNREACHABLE.search(words):
        return PipFailed(
            f"{missing} could not be fetched, because the package index cannot be reached; connect "
            f"to a network, or set pip to a mirror, and run make again; {log}.",
            passing=True,
        )
    if built or BUILD_FAILED.search(words):
        name = ", ".join(dict.fromkeys(built)) or f"a package of {layer}"
        return PipFailed(
            f"{name} has no ready-made build for Python {platform.python_version()} on "
            f"{platform.system()} {platform.machine()} and could not be built here; try another "
            f"Python with PYTHON=/path/to/python3.12; {log}.",
            passing=False,
        )
    if MISSING.search(words):
        return PipFailed(
            f"{missing} is not in the package index that pip is set to, or not for Python "
            f"{platform.python_version()}; check pip's settings; {log}.",
            passing=False,
        )
    what = "chainwatch itself" if layer == "project" else f"the packages of {layer}"
    return PipFailed(f"pip could not install {what}; {log}.", passing=False)


def shown(path: Path) -> str:
    """Return a path as seen from the project's folder."""
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (the one file that an old Python may be given)
        sys.exit(f"chainwatch needs Python 3.11 or newer; this is {platform.python_version()}.")
    sys.exit(main(sys.argv[1:]))
