"""Every block of shell commands in README and docs runs as it is printed.

The blocks of a file run in their order, in one shell, in a folder of their own. AWS is a stand-in,
and LINE is simulated.
"""

import os
import re
import shutil
import subprocess

import pytest

from world import ACCOUNT, ARCHITECTURE, BUILD, FANLINE, ROOT, VENV, Aws, Simulated, without_aws

# The pages in other languages have the same blocks: test_languages.py compares them.
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *ROOT.glob("[!R]*.md"),
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("events/*.md"),
    ]
)
# The blocks that do not run here, by a part of their text, and why.
NOT_RUN = {
    "--live": "it sends to LINE",
    "--dashboard": "it stays until somebody has looked",
    "LINE_CHANNEL_ACCESS_TOKEN=…": "it sends to LINE",
    "cargo test --workspace": "CI runs it by itself",
    "cargo install --locked": "tests/archive installs it without optimisation",
    "cargo build --release": "a release build, and two million messages, take too long",
    "make ci": "it runs these tests, and all others",
    "make invoke": "it needs a container engine",
    "make test-conformance": "CI runs it by itself, and one line needs an AWS account",
    "--share-pace": "it runs until it is stopped",
    "templates/worker.yaml": "it needs a network for its machines",
    'sqs() { aws sqs "$@"; }': "it needs an AWS account",
    "--bucket BUCKET": "it needs a bucket of the reader",
    "s3://BUCKET/": "it needs a bucket of the reader",
    "fanline stats": "it asks LINE about a run that there is not",
    "start-message-move-task": "the stand-in for AWS has no message move tasks",
}
# The files that a reader of these pages has in the folder.
LISTS = """
cp {root}/events/friends.csv friends.csv
bucket="$(out ListsBucketName 2>/dev/null || true)"
list="s3://${{bucket:-lists}}/lists/friends.csv"
sed "s|friends.csv|$list|" {root}/events/campaign.json > campaign.json
"""
OUT = """
out() { aws cloudformation describe-stacks --stack-name fanline --output text \\
  --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"; }
"""
# `sam build` takes minutes, so the build for tests stands for it. Nobody is here to say yes, and
# nothing may go to LINE.
PROGRAMS = {
    "fanline": 'exec {fanline} "$@"',
    "cargo": 'shift; while [ "$1" != -- ]; do shift; done; shift; exec {fanline} "$@"',
    # For SQS, version 1 of the AWS CLI does not read the variable.
    "aws": 'exec {venv}/aws/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"',
    "sam": """
case "$1" in
build) mkdir -p .aws-sam && cp -r {build} .aws-sam/build ;;
deploy)
  extra=()
  case "$*" in *ChannelTokenSecretArn*) extra=(LineApiBase={line} Architecture={machine}) ;; esac
  yes | {venv}/bin/sam "$@" "${{extra[@]}}" ;;
esac
""",
}
SHELL = """
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
listening() { for _ in $(seq 100); do curl -s "http://$1" >/dev/null && return; sleep 0.1; done; }
"""


def blocks(file):
    """The shell blocks of a file, without the indent of a list that they are in."""
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", (ROOT / file).read_text(), re.M | re.S)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


def why_not_run(block):
    return next((reason for part, reason in NOT_RUN.items() if part in block), None)


def script(file):
    """The blocks of a file as one script, with what a reader does between them."""
    lines = [SHELL]
    if file != "docs/operating.md":
        lines.append(OUT)
    for block in blocks(file):
        if why_not_run(block):
            continue
        if "campaign.json" in block and "events/" not in block:
            lines.append(LISTS.format(root=ROOT))
        # A reader does not type the next line before the server listens.
        lines.append(
            re.sub(
                r"^(.*simulate .*--port (\d+).*&)$",
                r"\1\nlistening 127.0.0.1:\2",
                block,
                flags=re.M,
            )
        )
    return "\n".join(lines)


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a checkout, with programs that work on the stand-ins."""
    for name in ("events", "README.md", "LICENSE-MIT", "Makefile"):
        (tmp_path / name).symlink_to(ROOT / name)
    # SAM looks for its configuration beside the template, and follows links.
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    with Aws() as aws, Simulated("line") as line:
        places = {
            "fanline": FANLINE,
            "venv": VENV,
            "build": BUILD,
            "line": line.url,
            "machine": ARCHITECTURE,
        }
        programs = tmp_path / "bin"
        programs.mkdir()
        for name, text in PROGRAMS.items():
            program = programs / name
            program.write_text(f"#!/usr/bin/env bash\n{text.format(**places)}\n")
            program.chmod(0o755)
        environment = ACCOUNT | {
            "AWS_ENDPOINT_URL": aws.url,
            "LINE_CHANNEL_ACCESS_TOKEN": "rehearsal",
            "LINE_API_BASE": line.url,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
        }
        yield tmp_path, without_aws(os.environ) | environment


@pytest.mark.parametrize("file", [file for file in FILES if blocks(file)])
def test_the_commands_of_a_page_run_as_printed(folder, file):
    where, environment = folder
    done = subprocess.run(
        [shutil.which("bash"), "-x", "-c", script(file)],
        cwd=where,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-20_000:]


def test_each_reason_not_to_run_a_block_is_of_a_block():
    every = [block for file in FILES for block in blocks(file)]
    assert len(every) > 20
    assert [part for part in NOT_RUN if not any(part in block for block in every)] == []
