"""The archive of the command, unpacked as a person does it: into a folder with a space."""

import os
import re
import shlex
import subprocess
import tarfile

import pytest

from world import ROOT, Simulated, call, without_aws

USER = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa"
FRIEND = "U0123456789abcdef0123456789abcdef"
CAMPAIGN = "events/campaign.json"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    archives = sorted((ROOT / "dist" / "test").glob("fanline-[0-9]*.tar.gz"), key=os.path.getmtime)
    folder = tmp_path_factory.mktemp("my downloads")
    with tarfile.open(archives[-1]) as archive:
        archive.extractall(folder, filter="data")
    (content,) = folder.iterdir()
    return content


def fanline(unpacked, *args, **environment):
    return subprocess.run(
        [unpacked / "fanline", *args],
        cwd=unpacked,
        env={"XDG_STATE_HOME": str(unpacked.parent / "state")} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def after(done):
    """The command that a command says comes next, without the program's name."""
    assert done.returncode == 0, done.stderr
    (command,) = re.findall(r"^Next: fanline (.+)$", done.stderr, re.MULTILINE)
    return shlex.split(command)


def test_the_example_runs_where_it_was_unpacked(unpacked):
    done = fanline(unpacked, "run", CAMPAIGN, "--no-rate-limit")
    assert after(done)[0] == "check"


def test_five_commands_lead_from_the_example_to_a_test_message(unpacked):
    (unpacked / "my list.csv").write_text(f"to,name,shop,code\n{FRIEND},Ann,Xinyi,XM-0001\n")
    first = fanline(unpacked, "run", CAMPAIGN, "--no-rate-limit")
    # Only what stands for the person's own values is replaced.
    mine = {"YOUR-LIST.csv": "my list.csv", "YOUR-USER-ID": USER}
    with Simulated("line") as line:
        live = {"LINE_CHANNEL_ACCESS_TOKEN": "rehearsal", "LINE_API_BASE": line.url}
        done = first
        for expected in ("check", "plan", "run", "run"):
            command = [mine.get(word, word) for word in after(done)]
            assert command[0] == expected
            if "--live" in command:
                # Without a terminal nobody can answer its question.
                done = fanline(unpacked, *command, "--yes", **live)
            else:
                done = fanline(unpacked, *command)
        assert done.returncode == 0, done.stderr
        (receipt,) = call("GET", f"{line.url}/_ledger/recipients/{USER}")
        assert receipt
        assert call("GET", f"{line.url}/_ledger/recipients/{FRIEND}") == []
        # And then the real one, which the test names.
        assert after(done) == ["run", CAMPAIGN, "--list", "my list.csv", "--live"]


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


def test_the_command_installed_from_the_sources_is_the_same(unpacked, tmp_path):
    """`cargo install --locked --path cli`, without the optimisation that takes minutes."""
    command = ["cargo", "install", "--locked", "--debug", "--quiet", "--path", "cli"]
    built = ["--root", tmp_path, "--target-dir", ROOT / "target"]
    subprocess.run([*command, *built], cwd=ROOT, env=without_aws(os.environ), check=True)
    done = subprocess.run(
        [tmp_path / "bin" / "fanline", "--version"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == fanline(unpacked, "--version").stdout
