"""A campaign file that is put into the bucket of a deployed stack starts its run.

The stand-in for AWS has the rule of the stack, tells EventBridge of files, and calls the producer.
"""

import json

import pytest

from stack import BUCKET, CAMPAIGN, Stack, rows
from world import Aws, Simulated, wait_until

OUTBOX = "outbox/"


class Uploads(Stack):
    """A stack whose bucket starts runs."""

    def notify(self, configuration):
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration=configuration
        )

    def upload(self, name, campaign):
        body = campaign if isinstance(campaign, str) else json.dumps(campaign, ensure_ascii=False)
        self.s3.put_object(Bucket=BUCKET, Key=f"{OUTBOX}{name}", Body=body.encode())

    def wait_for(self, name):
        wait_until(lambda: f"{OUTBOX}{name}" in self.objects(OUTBOX), 120, log=self.story)

    def text(self, name):
        return self.s3.get_object(Bucket=BUCKET, Key=f"{OUTBOX}{name}")["Body"].read().decode()


@pytest.fixture(scope="module")
def deployed():
    with Aws() as aws, Simulated("line") as line:
        stack = Uploads(aws, line)
        stack.first(OnUpload="ENABLED", Ledger="ENABLED")
        yield stack


def test_the_doctor_finds_a_bucket_that_does_not_tell_eventbridge(deployed):
    code, said = deployed.fanline("doctor")
    assert code == 1
    assert f"no upload starts a run: the bucket `{BUCKET}` does not tell EventBridge" in said
    assert f"aws s3api put-bucket-notification-configuration --bucket {BUCKET}" in said
    deployed.notify({"EventBridgeConfiguration": {}})
    assert deployed.fanline("doctor") == (0, f"{deployed.name}: nothing is wrong\n")


def test_a_file_in_the_outbox_is_sent_to_everybody_once_and_moved(deployed):
    campaign = CAMPAIGN | {"campaign": "uploaded", "recipients": "../lists/friends.csv"}
    deployed.upload("名單 1+1.json", campaign)
    deployed.wait_for("done/名單 1+1.json")
    assert deployed.objects(OUTBOX) == ["outbox/done/名單 1+1.json"]
    everybody = len(rows())
    wait_until(
        lambda: deployed.ledger()["distinct_recipients"] == everybody, 300, log=deployed.story
    )
    assert deployed.ledger()["accepted_recipients"] == everybody
    assert deployed.ledger()["duplicates"] == 0
    # The same file again is the same run: nobody gets anything again.
    wait_until(lambda: deployed.drained("DeliveryQueueUrl"), 120)
    deployed.upload("again.json", campaign)
    deployed.wait_for("done/again.json")
    wait_until(lambda: deployed.drained("DeliveryQueueUrl"), 120, log=deployed.story)
    assert deployed.ledger()["accepted_recipients"] == everybody
    assert deployed.ledger()["duplicates"] == 0


def test_a_file_that_can_not_be_sent_is_moved_with_its_reason(deployed):
    deployed.upload("broken.json", '{"campaign": ')
    deployed.wait_for("failed/broken.json")
    reason = deployed.text("failed/broken.json.reason.txt")
    assert "is not whole: the JSON ends at line 1, column 13" in reason
    assert deployed.text("failed/broken.json") == '{"campaign": '
    assert "outbox/broken.json" not in deployed.objects(OUTBOX)


@pytest.fixture
def queue(deployed):
    """A queue of one's own between the bucket and the producer, and its dead letters."""
    dead = deployed.sqs.create_queue(QueueName="uploads-dead-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": arn(deployed, dead), "maxReceiveCount": "2"}
    attributes = {"VisibilityTimeout": "3", "RedrivePolicy": json.dumps(redrive)}
    url = deployed.sqs.create_queue(QueueName="uploads", Attributes=attributes)["QueueUrl"]
    mapping = deployed.functions.create_event_source_mapping(
        FunctionName=deployed.outputs["ProducerFunction"],
        EventSourceArn=arn(deployed, url),
        BatchSize=10,
        # Until everything is on the queue, so that it is one batch.
        Enabled=False,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    rules = [{"Name": "prefix", "Value": OUTBOX}, {"Name": "suffix", "Value": ".json"}]
    told = {
        "QueueArn": arn(deployed, url),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": rules}},
    }
    deployed.notify({"QueueConfigurations": [told]})
    yield url, dead, mapping["UUID"]
    deployed.notify({"EventBridgeConfiguration": {}})
    deployed.functions.delete_event_source_mapping(UUID=mapping["UUID"])


def arn(stack, url):
    asked = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return asked["Attributes"]["QueueArn"]


def test_of_a_batch_of_a_queue_only_what_is_not_settled_comes_back(deployed, queue):
    url, dead, mapping = queue
    campaign = CAMPAIGN | {"campaign": "queued", "recipients": "../lists/friends.csv"}
    deployed.sqs.send_message(QueueUrl=url, MessageBody="no event")
    deployed.upload("queued.json", campaign)
    deployed.upload("worse.json", "{")
    deployed.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    deployed.wait_for("done/queued.json")
    deployed.wait_for("failed/worse.json")
    wait_until(lambda: deployed.waiting_at(dead) == 1, 120, log=deployed.story)
    wait_until(lambda: deployed.waiting_at(url) == 0, 60, log=deployed.story)
    (letter,) = deployed.sqs.receive_message(QueueUrl=dead)["Messages"]
    assert letter["Body"] == "no event"
