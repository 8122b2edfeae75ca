"""Deploys the unchanged template to a stand-in for AWS, and lets its schedule fire one campaign.

Functions, queues, schedule and event source mappings are the stack's own. The stand-in for AWS runs
the functions' binaries on this machine.
"""

import csv
import json
import os
import platform
import subprocess
import time

import pytest

from world import ACCOUNT, ROOT, VENV, Aws, Simulated, call, client, wait_until

STACK = "fanline-test"
CAMPAIGN = {
    "campaign": "deployed",
    "channel": "line",
    "recipients": "s3://fanline-test-lists/lists/friends.csv",
    "messages": [{"type": "text", "text": "早安 {{ name }}！今天的折扣碼：{{ code }}"}],
}


def sam_run(aws, *command):
    return subprocess.run(
        [VENV / "bin" / "sam", *command],
        cwd=ROOT,
        env=os.environ | ACCOUNT | {"AWS_ENDPOINT_URL": aws.url, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def sam(aws, *command):
    done = sam_run(aws, *command)
    assert done.returncode == 0, f"{done.stdout}\n{aws.log()[-20_000:]}"
    return done.stdout


def deploy(aws, **parameters):
    """Deploys what `sam build` made, and returns the stack's outputs."""
    quoted = [
        f'{name}="{str(value).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in parameters.items()
    ]
    # `samconfig.toml` says that `sam deploy` asks first. Nobody is here to answer.
    sam(
        aws,
        "deploy",
        "--stack-name",
        STACK,
        "--no-confirm-changeset",
        "--parameter-overrides",
        *quoted,
    )
    # MiniStack keeps this number as text, and its poller then fails. Its API takes the number.
    functions = client("lambda", aws.url)
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        concurrency = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        functions.update_event_source_mapping(
            UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": concurrency}
        )
    (stack,) = client("cloudformation", aws.url).describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def rows():
    """The IDs of the list, in its order."""
    with open(ROOT / "events" / "friends.csv", encoding="utf-8", newline="") as friends:
        return [row["to"] for row in csv.DictReader(friends)]


class Deployed:
    """The stack, with the stand-ins that it uses."""

    def __init__(self, aws, line):
        self.aws, self.line = aws, line
        client("s3", aws.url).create_bucket(Bucket="fanline-test-lists")
        token = client("secretsmanager", aws.url).create_secret(
            Name="line-token", SecretString="rehearsal"
        )["ARN"]
        self.parameters = {
            "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
            "ChannelTokenSecretArn": token,
            "LineApiBase": line.url,
            "ExistingListsBucket": "fanline-test-lists",
            # A little less than the list: it becomes two slices, which go through their queue.
            "SliceBytes": 65536,
            "Campaign": json.dumps(CAMPAIGN, ensure_ascii=False),
        }
        self.outputs = deploy(aws, **self.parameters)
        self.sqs = client("sqs", aws.url)

    def fire(self):
        """Enables the schedule as an operator does: the same template, one parameter changed."""
        soon = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        schedule = {"ScheduleState": "ENABLED", "ScheduleExpression": f"at({soon})"}
        deploy(self.aws, **self.parameters, **schedule)

    def ledger(self):
        return call("GET", f"{self.line.url}/_ledger")

    def waiting(self, queue):
        """How many messages a queue holds, whether they can be received now or not."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        url = self.outputs[queue]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def drained(self, *queues):
        return sum(map(self.waiting, queues)) == 0


@pytest.fixture(scope="module")
def deployed():
    with Aws() as aws, Simulated("line") as line:
        yield Deployed(aws, line)


def test_a_scheduled_campaign_reaches_everybody_once(deployed):
    unknown, *reached = rows()
    call(
        "PUT",
        f"{deployed.line.url}/_options",
        # LINE answers every tenth request with 500 when it comes for the first time.
        {
            "unknown": [unknown],
            "faults": {"seed": 7, "rates": {"error-before": 0.1}, "first_attempts": 1},
        },
    )
    client("s3", deployed.aws.url).upload_file(
        ROOT / "events" / "friends.csv", "fanline-test-lists", "lists/friends.csv"
    )

    deployed.fire()
    wait_until(
        lambda: deployed.ledger()["distinct_recipients"] >= len(reached),
        300,
        log=lambda: f"{deployed.ledger()}\n{deployed.aws.log()[-20_000:]}",
    )
    wait_until(lambda: deployed.drained("DeliveryQueueUrl", "SliceQueueUrl"), 120)

    ledger = deployed.ledger()
    assert ledger["distinct_recipients"] == ledger["accepted_recipients"] == len(reached)
    for problem in ("duplicates", "without_retry_key", "changed_under_key"):
        assert ledger[problem] == 0, problem
    assert ledger["faults"]["error-before"] > 50
    assert ledger["requests"]["push"]["500"] == ledger["faults"]["error-before"]
    assert call("GET", f"{deployed.line.url}/_ledger/recipients/{unknown}") == []

    (letter,) = deployed.sqs.receive_message(
        QueueUrl=deployed.outputs["DeadLetterQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        VisibilityTimeout=0,
    )["Messages"]
    assert json.loads(letter["Body"])["recipients"] == [unknown]
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "refused"
    assert letter["MessageAttributes"]["status"]["StringValue"] == "400"
    for queue in ("SliceDeadLetter", "ProducerFailure", "ScheduleDeadLetter"):
        assert deployed.waiting(f"{queue}QueueUrl") == 0, queue


def test_a_redriven_dead_letter_reaches_its_recipient(deployed):
    recipient, *_ = rows()
    call("PUT", f"{deployed.line.url}/_options", {"unknown": []})
    # MiniStack has no StartMessageMoveTask. This does the same.
    (letter,) = deployed.sqs.receive_message(
        QueueUrl=deployed.outputs["DeadLetterQueueUrl"], MessageAttributeNames=["All"]
    )["Messages"]
    deployed.sqs.send_message(
        QueueUrl=deployed.outputs["DeliveryQueueUrl"],
        MessageBody=letter["Body"],
        MessageAttributes=letter["MessageAttributes"],
    )
    deployed.sqs.delete_message(
        QueueUrl=deployed.outputs["DeadLetterQueueUrl"], ReceiptHandle=letter["ReceiptHandle"]
    )
    wait_until(
        lambda: call("GET", f"{deployed.line.url}/_ledger/recipients/{recipient}"),
        60,
        log=deployed.aws.log,
    )
    wait_until(lambda: deployed.drained("DeliveryQueueUrl", "DeadLetterQueueUrl"), 60)
    ledger = deployed.ledger()
    assert ledger["distinct_recipients"] == ledger["accepted_recipients"] == len(rows())


def test_a_firing_that_failed_is_kept_with_its_error(deployed):
    campaign = CAMPAIGN | {"recipients": "s3://fanline-test-lists/lists/nobody.csv"}
    client("lambda", deployed.aws.url).invoke(
        FunctionName=deployed.outputs["ProducerFunction"],
        InvocationType="Event",
        Payload=json.dumps(campaign),
    )
    received = wait_until(
        lambda: deployed.sqs.receive_message(
            QueueUrl=deployed.outputs["ProducerFailureQueueUrl"]
        ).get("Messages"),
        60,
        log=deployed.aws.log,
    )
    kept = json.loads(received[0]["Body"])
    assert kept["requestPayload"] == campaign
    assert kept["responsePayload"]["errorType"] == "ProduceError"
    assert "`s3://fanline-test-lists/lists/nobody.csv`" in kept["responsePayload"]["errorMessage"]


def test_a_stack_without_a_channel_is_refused_with_a_reason(deployed):
    refused = sam_run(
        deployed.aws,
        "deploy",
        "--stack-name",
        f"{STACK}-none",
        "--no-confirm-changeset",
        "--parameter-overrides",
        "Architecture=x86_64",
    )
    assert refused.returncode != 0
    assert "ChannelTokenSecretArn is empty - the channel `line` needs its token" in refused.stdout


def test_the_stack_is_deleted_and_the_lists_stay(deployed):
    sam(deployed.aws, "delete", "--stack-name", STACK, "--no-prompts", "--region", "us-east-1")
    assert deployed.sqs.list_queues(QueueNamePrefix=STACK).get("QueueUrls", []) == []
    assert client("lambda", deployed.aws.url).list_functions()["Functions"] == []
    lists = client("s3", deployed.aws.url).list_objects_v2(Bucket="fanline-test-lists")
    assert lists["KeyCount"] == 1
