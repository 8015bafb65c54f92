#!/bin/sh
# Prints a Python that can run chainwatch; otherwise one sentence on standard error and status 1.
# PYTHON, where set, is the only one asked; else the one in .venv, then those on the PATH.

version_of() {  # what the interpreter says of itself, as 3.12.1; nothing if it does not run
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null |
        sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9.]*\).*$/\1/p' | head -n 1
}

new_enough() {  # 3.11 or newer
    major=${1%%.*} rest=${1#*.}
    minor=${rest%%.*}
    [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "$minor" -ge 11 ]; }
}

stop() {
    echo "chainwatch needs Python 3.11 or newer; $1; set PYTHON=/path/to/python3.12." >&2
    exit 1
}

if [ -n "$PYTHON" ]; then
    version=$(version_of "$PYTHON")
    [ -n "$version" ] || stop "PYTHON=$PYTHON does not run"
    new_enough "$version" || stop "PYTHON=$PYTHON is $version"
    echo "$PYTHON"
    exit 0
fi

seen=""
for candidate in .venv/bin/python python3 python3.14 python3.13 python3.12 python3.11 python; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    version=$(version_of "$candidate")
    [ -n "$version" ] || continue
    if new_enough "$version"; then
        echo "$candidate"
        exit 0
    fi
    seen="${seen:+$seen, }$candidate is $version"
done
stop "${seen:-no python3 was found}"
