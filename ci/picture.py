"""Draws a picture of a terminal for the README, from what the command really prints.

    picture.py FANLINE OUT.svg

The run is a rehearsal, so it needs no account and sends nothing.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES = [
    "fanline run events/one-text.json --at runs",
    "fanline status new-year-2027 --at runs",
]
COLUMNS = 96
CHARACTER = 8.4
LINE = 19
MARGIN = 18
BAR = 34
# The colours of the escape sequences that the command uses.
STYLES = {"1": "font-weight:bold", "2": "fill:#8b949e", "31": "fill:#ff7b72", "32": "fill:#7ee787"}
ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def printed(fanline, folder, line):
    """What this line prints, with its colours."""
    words = line.split()
    done = subprocess.run(
        [fanline, *words[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CLICOLOR_FORCE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def wrapped(text):
    """The lines as a terminal of this width shows them, broken between words."""
    for line in text.rstrip().splitlines():
        plain = ESCAPE.sub("", line)
        if len(plain) <= COLUMNS:
            yield line
        else:
            yield from textwrap.wrap(plain, COLUMNS, subsequent_indent="  ")


def spans(line):
    """The line as text elements of SVG: what has a style is a span."""
    style, parts = "", []
    for i, part in enumerate(ESCAPE.split(line)):
        if i % 2 == 1:
            codes = [STYLES[code] for code in part.split(";") if code in STYLES]
            style = ";".join(codes)
        elif part:
            text = html.escape(part)
            parts.append(f'<tspan style="{style}">{text}</tspan>' if style else text)
    return "".join(parts)


def picture(lines):
    """The whole picture."""
    width = round(COLUMNS * CHARACTER + 2 * MARGIN)
    height = BAR + len(lines) * LINE + MARGIN
    dots = "".join(
        f'<circle cx="{20 + 18 * i}" cy="17" r="5.5" fill="{colour}"/>'
        for i, colour in enumerate(["#ff5f57", "#febc2e", "#28c840"])
    )
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{BAR + LINE * (i + 1) - 5}">{spans(line)}</text>'
        for i, line in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
 viewBox="0 0 {width} {height}" xml:space="preserve" role="img" aria-label="fanline in a terminal">
<style>
text {{ font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: #e6edf3; white-space: pre }}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#0d1117"/>
{dots}
{rows}
</svg>
"""


def main():
    fanline, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "events").symlink_to(ROOT / "events")
        for line in LINES:
            shown += [f"\x1b[32m$\x1b[0m \x1b[1m{line}\x1b[0m"]
            shown += [*wrapped(printed(fanline, folder, line)), ""]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(picture(shown[:-1]), encoding="utf-8")


if __name__ == "__main__":
    main()
