"""The picture of the README is what the script draws: the same commands, from a real run."""

import re
import subprocess
import sys

from world import FANLINE, ROOT

COMMITTED = ROOT / "docs" / "pictures" / "run.svg"


def commands(svg):
    return re.findall(r'\$</tspan> <tspan style="font-weight:bold">([^<]+)<', svg)


def test_the_script_draws_the_picture_again(tmp_path):
    drawn = tmp_path / "run.svg"
    script = ROOT / "ci" / "picture.py"
    subprocess.run([sys.executable, script, FANLINE, drawn], check=True)
    svg = drawn.read_text(encoding="utf-8")
    assert commands(svg) == commands(COMMITTED.read_text(encoding="utf-8"))
    assert len(commands(svg)) == 2
    assert "1,000 rows = 1,000 accepted" in svg


def test_the_picture_needs_no_other_file():
    svg = COMMITTED.read_text(encoding="utf-8")
    assert "href" not in svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
