"""The archive of the command, unpacked as a person does it: into a folder with a space."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    archives = sorted((ROOT / "dist" / "test").glob("*.tar.gz"), key=os.path.getmtime)
    folder = tmp_path_factory.mktemp("my downloads")
    with tarfile.open(archives[-1]) as archive:
        archive.extractall(folder, filter="data")
    (content,) = folder.iterdir()
    return content


def fanline(unpacked, *args):
    return subprocess.run(
        [unpacked / "fanline", *args],
        cwd=unpacked,
        env={"XDG_STATE_HOME": str(unpacked.parent / "state")},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_example_runs_where_it_was_unpacked(unpacked):
    done = fanline(unpacked, "run", "events/campaign.json", "--no-rate-limit")
    assert done.returncode == 0, done.stderr
    assert "Next: fanline check" in done.stderr


def test_the_command_is_the_version_of_the_archive(unpacked):
    version = unpacked.name.split("-")[1]
    assert fanline(unpacked, "--version").stdout.startswith(f"fanline {version}")


def test_readmes_licences_completions_and_pages_are_there(unpacked):
    for name in [
        "README.md",
        "README.ja.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/before-sending.md",
        "completions/fanline.bash",
        "man/man1/fanline-run.1",
    ]:
        assert (unpacked / name).stat().st_size > 0, name
