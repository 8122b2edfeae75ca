"""Sends every file of `events/` to the deployed binaries, in AWS's Runtime Interface Emulator.

Queue and LINE are the stand-ins that `env.json` names. Each answer must be the one in `answers/`.
"""

import hashlib
import json
import re
import subprocess

import pytest

from world import BUILD, FANLINE, ROOT, Aws, Function, Simulated, call, client

EVENTS = ROOT / "events"
ANSWERS = ROOT / "tests" / "invoke" / "answers"
FUNCTIONS = {
    "campaign": "Producer",
    "inline": "Producer",
    "notify": "Producer",
    "one-text": "Producer",
    "scheduled-event": "Producer",
    "scheduled-event-empty": "Producer",
    "scheduler-input": "Producer",
    "sqs-notify": "Consumer",
    "sqs-one-bad-body": "Consumer",
    "sqs-redelivered": "Consumer",
    "sqs-slice": "Producer",
    "sqs-ten-good": "Consumer",
    "sqs-too-old": "Consumer",
    "upload-eventbridge": "Producer",
    "upload-notification": "Producer",
    "upload-sns": "Producer",
    "upload-sqs": "Producer",
    "upload-test-event": "Producer",
}
UPLOADS = sorted(name for name in FUNCTIONS if name.startswith("upload-"))
# What lies in the outbox when the events of uploads come.
OUTBOX = {
    "outbox/名單 1+1.json": "one-text.json",
    "outbox/friends.csv": "friends.csv",
    "outbox/no-campaign.json": "friends.csv",
}
SENT = ["outbox/done/名單 1+1.json"]
NOT_SENT = ["outbox/failed/no-campaign.json", "outbox/failed/no-campaign.json.reason.txt"]


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


class Stage:
    """Queues, LINE and a bucket for one test, and the settings of `env.json` that name them."""

    def __init__(self, queue, line, aws):
        self.line = line.url
        self.sqs = client("sqs", queue.url)
        self.deliveries, self.dead_letters = (
            self.sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("deliveries", "dead-letters")
        )
        # Only the addresses change: each stand-in takes a free port.
        settings = (ROOT / "env.json").read_text()
        settings = settings.replace("http://host.docker.internal:5101", queue.url)
        settings = settings.replace("http://host.docker.internal:5102", line.url)
        self.settings = json.loads(settings)
        self.s3 = aws.url

    def invoke(self, name):
        function = FUNCTIONS[name]
        settings = self.settings[function] | {"AWS_ENDPOINT_URL_S3": self.s3}
        with Function(function, **settings) as running:
            return running.invoke(event(name)), running.log()

    def take(self, queue_url):
        """Receives all messages of a queue."""
        messages = []
        while True:
            received = self.sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if not received.get("Messages"):
                return messages
            messages += received["Messages"]

    def ledger(self):
        return call("GET", f"{self.line}/_ledger")


@pytest.fixture(scope="module")
def aws():
    with Aws() as aws:
        s3 = client("s3", aws.url)
        s3.create_bucket(Bucket="fanline-lists")
        s3.upload_file(EVENTS / "friends.csv", "fanline-lists", "friends.csv")
        yield aws


@pytest.fixture
def stage(aws):
    with Simulated("queue") as queue, Simulated("line") as line:
        yield Stage(queue, line, aws)


@pytest.fixture
def outbox(stage):
    """The stage with a bucket of its own, which has files in its outbox."""
    placed = [f"s3://fanline-lists/{key}={EVENTS / file}" for key, file in OUTBOX.items()]
    with Simulated("s3", *placed) as s3:
        stage.s3 = s3.url
        yield stage


def in_outbox(stage):
    """The keys of the outbox, without the list."""
    found = client("s3", stage.s3).list_objects_v2(Bucket="fanline-lists", Prefix="outbox/")
    return sorted({one["Key"] for one in found["Contents"]} - {"outbox/friends.csv"})


def same(answer, expected):
    """Whether an answer is the expected one. `<seconds>` stands for any time under a minute."""
    if expected == "<seconds>":
        return isinstance(answer, float) and 0 <= answer < 60
    if isinstance(expected, dict):
        return (
            isinstance(answer, dict)
            and answer.keys() == expected.keys()
            and all(same(answer[key], expected[key]) for key in expected)
        )
    return answer == expected


def test_every_event_has_an_expected_answer():
    # The schema of a campaign lies beside the campaigns, for editors.
    files = {path.stem for path in EVENTS.glob("*.json")} - {"campaign.schema"}
    assert files == set(FUNCTIONS)
    assert {path.stem for path in ANSWERS.glob("*.json")} == files


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_answer_is_the_documented_one(stage, name, request):
    if name in UPLOADS:
        request.getfixturevalue("outbox")
    answer, log = stage.invoke(name)
    expected = json.loads((ANSWERS / f"{name}.json").read_text())
    assert same(answer, expected), f"{json.dumps(answer, ensure_ascii=False, indent=2)}\n{log}"


def recipients_in(messages):
    return [to for message in messages for to in json.loads(message["Body"])["recipients"]]


@pytest.mark.parametrize(
    ("name", "recipients"),
    [
        ("inline", 4),
        ("scheduled-event", 2),
        ("scheduled-event-empty", 1),
        ("scheduler-input", 1000),
        ("sqs-slice", 107),
    ],
)
def test_the_consumer_reads_what_the_producer_publishes(stage, name, recipients):
    stage.invoke(name)
    published = stage.take(stage.deliveries)
    reached = recipients_in(published)
    assert len(set(reached)) == len(reached) == recipients
    for message in published:
        assert hashlib.md5(message["Body"].encode()).hexdigest() == message["MD5OfBody"]
    records = {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:deliveries",
                "awsRegion": "us-east-1",
            }
            for message in published[:10]
        ]
    }
    with Function("Consumer", **stage.settings["Consumer"]) as consumer:
        assert consumer.invoke(records) == {"batchItemFailures": []}
    assert stage.ledger()["distinct_recipients"] == len(recipients_in(published[:10]))


def test_deliveries_that_come_twice_reach_everybody_once(stage):
    stage.invoke("sqs-ten-good")
    first = stage.ledger()
    recipients = [
        to
        for record in event("sqs-ten-good")["Records"]
        for to in json.loads(record["body"])["recipients"]
    ]
    assert first["accepted_recipients"] == first["distinct_recipients"] == len(recipients)
    stage.invoke("sqs-redelivered")
    again = stage.ledger()
    assert again["accepted_recipients"] == len(recipients)
    assert again["already_accepted"] == 10
    assert again["duplicates"] == 0
    assert stage.take(stage.dead_letters) == []


@pytest.mark.parametrize(
    ("name", "reason", "indexes"),
    [("sqs-one-bad-body", "undecodable", [3]), ("sqs-too-old", "unknown", [0, 1])],
)
def test_a_delivery_that_cannot_be_sent_is_set_aside_unchanged(stage, name, reason, indexes):
    stage.invoke(name)
    letters = {
        message["Body"]: message["MessageAttributes"]["reason"]["StringValue"]
        for message in stage.take(stage.dead_letters)
    }
    records = event(name)["Records"]
    assert letters == {records[index]["body"]: reason for index in indexes}
    assert stage.ledger()["accepted_requests"] == len(records) - len(indexes)


@pytest.mark.parametrize("name", [name for name in UPLOADS if name != "upload-test-event"])
def test_an_upload_is_sent_once_and_its_file_is_moved(outbox, name):
    moved = SENT + (NOT_SENT if name == "upload-sqs" else ["outbox/no-campaign.json"])
    outbox.invoke(name)
    assert in_outbox(outbox) == sorted(moved)
    assert len(recipients_in(outbox.take(outbox.deliveries))) == 1000
    # The event may come again.
    outbox.invoke(name)
    assert in_outbox(outbox) == sorted(moved)
    assert outbox.take(outbox.deliveries) == []


def test_the_recorded_uploads_name_the_file_that_is_there():
    tag = hashlib.md5((EVENTS / "one-text.json").read_bytes()).hexdigest()
    assert event("upload-eventbridge")["detail"]["object"]["etag"] == tag
    (record,) = event("upload-notification")["Records"]
    assert record["s3"]["object"]["eTag"] == tag
    (record,) = event("upload-sns")["Records"]
    assert json.loads(record["Sns"]["Message"]) == event("upload-notification")
    bodies = [record["body"] for record in event("upload-sqs")["Records"]]
    assert json.loads(bodies[0]) == event("upload-test-event")
    assert json.loads(bodies[1]) == event("upload-notification")


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if "sqs" in name))
def test_a_recorded_event_has_the_form_that_lambda_sends(name):
    ids = set()
    for record in event(name)["Records"]:
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
        assert record["eventSource"] == "aws:sqs"
        assert record["attributes"].keys() == {
            "ApproximateReceiveCount",
            "SentTimestamp",
            "SenderId",
            "ApproximateFirstReceiveTimestamp",
        }
        ids.add(record["messageId"])
    assert len(ids) == len(event(name)["Records"])


def test_the_recorded_slice_names_the_list_beside_it():
    (record,) = event("sqs-slice")["Records"]
    md5 = hashlib.md5((EVENTS / "friends.csv").read_bytes()).hexdigest()
    assert json.loads(record["body"])["etag"] == f'"{md5}"'


def test_no_log_holds_a_recipient_a_message_or_the_token(stage):
    for name in ("inline", "sqs-ten-good", "sqs-one-bad-body", "sqs-too-old"):
        _, log = stage.invoke(name)
        assert not re.search(r"\b[UCR][0-9a-f]{32}\b|早安|rehearsal", log), name


def test_killing_the_deployed_consumer_loses_and_doubles_nobody():
    options = ["--json", "--faults", "kill=5%,error-after=5%", "--seed", "5"]
    consumer = ["--consumer", BUILD / "Consumer" / "bootstrap"]
    command = [FANLINE, "run", EVENTS / "campaign.json", *options, *consumer]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["accepted"] == report["rows"] == 1000
    assert report["line"]["recipients_accepted"] == 1000
    assert report["line"]["recipients_doubled"] == 0
