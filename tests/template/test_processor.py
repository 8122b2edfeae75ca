"""A build for another processor than the stack's is an error before the upload."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# `e_machine` of an ELF header.
X86_64, ARM64, RISC_V = 0x3E, 0xB7, 0xF3


def built(folder, machine, magic=b"\x7fELF"):
    """A build with one function."""
    function = folder / "Consumer"
    function.mkdir(parents=True)
    header = magic + bytes(14) + machine.to_bytes(2, "little") + bytes(8)
    (function / "bootstrap").write_bytes(header)
    return folder


def check(architecture, build):
    command = [sys.executable, ROOT / "ci" / "processor.py", architecture, build]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", X86_64), ("arm64", ARM64)])
def test_a_build_for_the_stacks_processor_passes(tmp_path, architecture, machine):
    done = check(architecture, built(tmp_path, machine))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("machine", "magic", "found"),
    [
        (X86_64, b"\x7fELF", "x86_64"),
        (RISC_V, b"\x7fELF", "another processor"),
        (ARM64, b"#!sh", "no Linux program"),
    ],
)
def test_another_build_is_refused_with_the_command_that_mends_it(tmp_path, machine, magic, found):
    done = check("arm64", built(tmp_path, machine, magic))
    assert done.returncode == 1
    assert f"Consumer/bootstrap is built for {found}, and the stack is for arm64" in done.stderr
    assert "sam build --parameter-overrides Architecture=arm64" in done.stderr


def test_a_folder_without_a_build_is_refused(tmp_path):
    done = check("arm64", tmp_path)
    assert done.returncode == 1
    assert "no function is built there" in done.stderr
