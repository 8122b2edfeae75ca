"""The ledger of a deployed stack: what an operator asks, and says, while a campaign runs."""

import csv
import json

import pytest

from stack import BUCKET, CAMPAIGN, Stack, rows
from world import Aws, Simulated, wait_until

# Slow enough that a pause comes in the middle.
PACE = {"MaximumConcurrency": "2", "LinePushLimit": "40"}


class Ledger(Stack):
    """A stack with the ledger, asked through its bucket alone."""

    def said(self, command, run, *options):
        """What a command of `fanline` says of a run, and its exit code."""
        place = ["--at", f"s3://{BUCKET}"]
        return self.fanline_at(place, command, run, *options)

    def status(self, run):
        _, said = self.said("status", run, "--json")
        return json.loads(said)

    def control(self):
        found = self.objects("control/")
        if not found:
            return None
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=found[0])["Body"].read())

    def fire(self, name):
        self.functions.invoke(
            FunctionName=self.outputs["ProducerFunction"],
            InvocationType="Event",
            Payload=json.dumps(CAMPAIGN | {"campaign": name}),
        )

    def mapping(self):
        found = self.functions.get_event_source_mapping(UUID=self.outputs["ConsumerMapping"])
        return found["State"]

    def exported(self, run, folder):
        """The rows that `fanline export` writes."""
        file = folder / f"{run}.csv"
        code, said = self.said("export", run, "--out", file)
        assert code == 0, said
        with open(file, encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    def accepted(self):
        return self.ledger()["accepted_recipients"]


@pytest.fixture(scope="module")
def deployed():
    with Aws() as aws, Simulated("line") as line:
        stack = Ledger(aws, line)
        stack.first(Ledger="ENABLED", **PACE)
        yield stack


def test_the_tick_says_where_the_queues_are(deployed):
    control = wait_until(deployed.control, 120, log=deployed.story)
    assert control["stack"]["outcomes"] == deployed.outputs["OutcomeQueueUrl"]
    assert control["stack"]["parked"] == deployed.outputs["ParkedQueueUrl"]
    assert control["stack"]["environments"] == int(PACE["MaximumConcurrency"])


def test_a_paused_run_stands_still_and_a_resumed_one_reaches_everybody_once(deployed):
    deployed.fire("first")
    wait_until(lambda: deployed.accepted() > 20, 120, log=deployed.story)
    code, said = deployed.said("pause", "first", "--why", "a test")
    assert code == 0, said
    wait_until(lambda: deployed.mapping() == "Disabled", 60, log=deployed.story)
    status = deployed.status("first")
    assert (status["state"], status["why"]) == ("paused", "a test")
    assert 0 < status["accepted"] < status["rows"] == len(rows())
    assert status["difference"] == 0
    stood = deployed.accepted()
    code, said = deployed.said("resume", "first")
    assert code == 0, said
    wait_until(lambda: deployed.status("first")["waiting"] == 0, 300, log=deployed.story)
    assert stood < deployed.accepted() == len(rows())
    assert deployed.ledger()["duplicates"] == 0
    assert deployed.mapping() in ("Enabled", "Enabling")


def test_an_export_is_the_list_with_what_became_of_each_row(deployed, tmp_path):
    exported = deployed.exported("first", tmp_path)
    assert [row["to"] for row in exported] == rows()
    assert {(row["outcome"], row["status"]) for row in exported} == {("accepted", "200")}
    assert all(row["request_id"] and row["time"] for row in exported)


def test_what_the_queue_lost_is_redriven_and_reaches_everybody_once(deployed, tmp_path):
    before = deployed.accepted()
    deployed.fire("lost")
    wait_until(lambda: deployed.accepted() > before + 20, 120, log=deployed.story)
    code, said = deployed.said("pause", "lost")
    assert code == 0, said
    # Beside another run its deliveries are parked.
    wait_until(
        lambda: deployed.mapping() == "Disabled" or deployed.drained("DeliveryQueueUrl"),
        120,
        log=deployed.story,
    )
    for queue in ("DeliveryQueueUrl", "ParkedQueueUrl"):
        deployed.sqs.purge_queue(QueueUrl=deployed.outputs[queue])
    lost = deployed.status("lost")["waiting"]
    assert lost > 0
    code, said = deployed.said("resume", "lost")
    assert code == 0, said
    code, said = deployed.said("redrive", "lost", "--only", "missing", "--json")
    assert code == 0, said
    assert json.loads(said)["slices"] == 1
    wait_until(lambda: deployed.status("lost")["waiting"] == 0, 300, log=deployed.story)
    assert deployed.accepted() == before + len(rows())
    assert {row["outcome"] for row in deployed.exported("lost", tmp_path)} == {"accepted"}


def test_a_cancelled_run_sends_nothing_more(deployed):
    before = deployed.accepted()
    deployed.fire("second")
    wait_until(lambda: deployed.accepted() > before + 20, 120, log=deployed.story)
    code, said = deployed.said("cancel", "second", "--yes")
    assert code == 0, said
    wait_until(lambda: deployed.status("second")["waiting"] == 0, 120, log=deployed.story)
    status = deployed.status("second")
    assert status["cancelled"] > 0
    assert status["accepted"] + status["cancelled"] == len(rows())
    assert status["accepted"] == deployed.accepted() - before
    # A firing of the same run is refused.
    deployed.fire("second")
    wait_until(lambda: deployed.waiting("ProducerFailureQueueUrl") == 1, 60, log=deployed.story)


def test_a_deleted_stack_leaves_the_ledger(deployed):
    deployed.delete()
    assert deployed.functions.list_functions()["Functions"] == []
    assert any(key.endswith("/books/1") for key in deployed.objects("ledger/first/"))
    assert deployed.control()["runs"]["second"]["state"] == "cancelled"
