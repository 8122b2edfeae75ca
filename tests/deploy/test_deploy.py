"""Deploys the unchanged template to a stand-in for AWS, and lets a schedule fire one campaign.

Functions, queues, schedule and event source mappings are the stack's own. The stand-in for AWS runs
the functions' binaries on this machine.
"""

import json

import pytest

from stack import BUCKET, CAMPAIGN, Stack, rows, sam_run, soon, template
from world import ARCHITECTURE, BUILD, Aws, Simulated, call, client, wait_until


@pytest.fixture(scope="module")
def deployed():
    with Aws() as aws, Simulated("line") as line:
        stack = Stack(aws, line)
        stack.first()
        # A little less than the list: it becomes two slices, which go through their queue.
        stack.set("ProducerFunction", SLICE_BYTES="65536")
        yield stack


def test_a_scheduled_campaign_reaches_everybody_once(deployed, tmp_path):
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
    deployed.schedule("morning", CAMPAIGN, soon(), tmp_path)
    wait_until(
        lambda: deployed.ledger()["distinct_recipients"] >= len(reached),
        300,
        log=deployed.story,
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
    campaign = CAMPAIGN | {"recipients": f"s3://{BUCKET}/lists/nobody.csv"}
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
    assert f"`s3://{BUCKET}/lists/nobody.csv`" in kept["responsePayload"]["errorMessage"]


def test_a_stack_without_a_channel_is_refused_with_a_reason(deployed):
    stack = ["--stack-name", "no-channel", "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    refused = sam_run(deployed.aws, "deploy", *template(BUILD), *stack)
    assert refused.returncode != 0
    assert "ChannelTokenSecretArn is empty - the channel `line` needs its token" in refused.stdout


def test_a_deleted_stack_leaves_lists_queues_and_logs(deployed):
    deployed.sqs.send_message(QueueUrl=deployed.outputs["DeadLetterQueueUrl"], MessageBody="{}")
    deployed.delete()
    assert deployed.functions.list_functions()["Functions"] == []
    assert deployed.waiting("DeadLetterQueueUrl") == 1
    assert len(deployed.sqs.list_queues(QueueNamePrefix=deployed.name)["QueueUrls"]) == 6
    assert deployed.objects("lists/") == ["lists/friends.csv"]
    assert any(key.endswith("/run.json") for key in deployed.objects("ledger/"))
    groups = client("logs", deployed.aws.url).describe_log_groups()["logGroups"]
    logs = {deployed.outputs[f"{function}LogGroup"] for function in ("Producer", "Consumer")}
    assert logs <= {group["logGroupName"] for group in groups}
