"""Deploys the stack from its release archive: without Rust, and without the sources."""

import json
import re
import subprocess
import sys
import tarfile
import time

import pytest

from stack import CAMPAIGN, Stack
from world import ARCHITECTURE, BUILD, ROOT, Aws, Simulated, wait_until

PEOPLE = [f"U{number:032x}" for number in range(30)]
# Without Rust there is nothing to wait for but CloudFormation.
MAX_SECONDS = 60
# A larger function starts later. Code for x86-64 is a fifth longer than code for arm64, and the
# producer has readers of spreadsheets and of old encodings.
MAX_BYTES = {"Consumer": 10_000_000, "Bookkeeper": 10_000_000}
MAX_PRODUCER_BYTES = {"arm64": 10_000_000, "x86_64": 11_500_000}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("my downloads")
    packer = [sys.executable, ROOT / "ci" / "archive.py", "stack", ARCHITECTURE, BUILD, folder]
    subprocess.run(packer, check=True, timeout=300)
    (packed,) = folder.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return packed.with_name(packed.name.removesuffix(".tar.gz"))


def test_the_unpacked_archive_is_deployed_in_a_minute_and_sends(unpacked):
    with Aws() as aws, Simulated("line") as line:
        stack = Stack(aws, line)
        began = time.monotonic()
        stack.sam_deploy("--config-env", "ci", folder=unpacked, **stack.stand_ins())
        assert time.monotonic() - began < MAX_SECONDS
        campaign = CAMPAIGN | {
            "recipients": [{"to": person, "name": "Ann", "code": "1"} for person in PEOPLE]
        }
        stack.functions.invoke(
            FunctionName=stack.outputs["ProducerFunction"],
            InvocationType="Event",
            Payload=json.dumps(campaign),
        )
        wait_until(
            lambda: stack.ledger()["distinct_recipients"] == len(PEOPLE), 60, log=stack.story
        )
        assert stack.ledger()["duplicates"] == 0


def test_the_functions_are_small():
    most = MAX_BYTES | {"Producer": MAX_PRODUCER_BYTES[ARCHITECTURE]}
    sizes = {name: (BUILD / name / "bootstrap").stat().st_size for name in most}
    assert not {name: size for name, size in sizes.items() if size > most[name]}


def test_the_template_of_the_archive_is_for_its_processor_alone(unpacked):
    template = (unpacked / "template.yaml").read_text(encoding="utf-8")
    (parameter,) = re.findall(r"(?m)^  Architecture:\n(?:    .*\n)+", template)
    assert f"Default: {ARCHITECTURE}\n" in parameter
    assert f"AllowedValues: [{ARCHITECTURE}]\n" in parameter
