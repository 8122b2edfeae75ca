"""`sam local invoke`, as events/README.md shows it: each function in a container of Lambda's image.

It needs a container engine. Where none runs, the tests say so and are skipped.
"""

import json
import os
import platform
import shutil
import subprocess

import pytest

from world import ACCOUNT, FANLINE, ROOT, Process, call, client, wait_until, without_aws

EVENTS = {"inline": "Producer", "scheduler-input": "Producer", "sqs-ten-good": "Consumer"}


def engine_runs():
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not engine_runs(), reason="no container engine runs here")


def this_machine():
    """The address at which a container reaches this machine."""
    if platform.system() != "Linux":
        return "127.0.0.1"
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", "--format", gateway]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def host():
    """The stand-ins on the ports that env.json names."""
    host = this_machine()
    friends = f"s3://fanline-lists/friends.csv={ROOT / 'events' / 'friends.csv'}"

    def simulate(what, port, *more):
        return Process([FANLINE, "simulate", what, "--host", host, "--port", port, *more])

    with simulate("queue", 5101), simulate("line", 5102) as line, simulate("s3", 5103, friends):
        wait_until(lambda: "listening on" in line.log(), 30)
        sqs = client("sqs", f"http://{host}:5101")
        for name in ("deliveries", "dead-letters"):
            sqs.create_queue(QueueName=name)
        yield host


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_has_its_answer_in_a_container_too(host, event):
    command = ["make", "invoke", f"FUNCTION={EVENTS[event]}", f"EVENT={event}"]
    environment = without_aws(os.environ) | ACCOUNT
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    expected = json.loads((ROOT / "tests/invoke/answers" / f"{event}.json").read_text())
    if EVENTS[event] == "Producer":
        answer["seconds"] = "<seconds>"
    assert answer == expected
    if EVENTS[event] == "Consumer":
        assert call("GET", f"http://{host}:5102/_ledger")
