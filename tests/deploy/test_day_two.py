"""The days after the first deployment: pause, new version, new parameters, and the end.

Whatever is deployed: no message is lost, a pause stays a pause, and a schedule stays as it is.
"""

import shutil

import pytest

from stack import Stack
from world import ARCHITECTURE, BUILD, Aws, Simulated, client, wait_until

PEOPLE = [f"U{number:032x}" for number in range(30)]
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = "arn:aws:sns:us-east-1:000000000000:on-call"
# Every parameter of the template with another value than the one that it has. A stack whose
# deliveries are sealed takes none of other senders.
CHANGES = {
    "ExistingListsBucket": "fanline-other-lists",
    "ListsPrefix": "friends/",
    "ListsRetentionDays": "30",
    "OnUpload": "ENABLED",
    "Ledger": "ENABLED",
    "UrgentLane": "ENABLED",
    "UrgentConcurrency": "4",
    "MaximumConcurrency": "10",
    "LinePushLimit": "1000",
    "LineMulticastLimit": "100",
    "AlarmEmail": "on-call@example.com",
    "AlarmTopicArn": TOPIC,
    "OldestDeliverySeconds": "600",
    "LogRetentionDays": "90",
    "LogLevel": "DEBUG",
    "Tracing": "Active",
    "KmsKeyArn": KEY,
    "SenderPrincipals": "123456789012",
    "SealKeyArn": KEY,
    "Rollout": "AllAtOnce",
    "Architecture": "x86_64" if ARCHITECTURE == "arm64" else "arm64",
    "NotifyApiBase": "https://notify.example.com",
    "LineApiBase": "http://localhost:1",
    "AwsEndpointUrl": "http://localhost:2",
    "ChannelTokenSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:new-AbCdEf",
    "QueueType": "fair",
}


def campaign(name):
    return {
        "campaign": name,
        "channel": "line",
        "recipients": [{"to": person} for person in PEOPLE],
        "messages": [{"type": "text", "text": f"早安 {{{{ to }}}} {name}"}],
    }


class Days(Stack):
    def fire(self, name, folder):
        """Sends a campaign while sending is paused: its deliveries wait."""
        self.schedule(name, campaign(name), "rate(1 minute)", folder)
        code, said = self.fanline("schedule", "off", name)
        assert code == 0, said
        self.functions.invoke(
            FunctionName=self.outputs["ProducerFunction"],
            InvocationType="Event",
            Payload=(folder / "campaign.json").read_bytes(),
        )
        wait_until(lambda: self.waiting("DeliveryQueueUrl") == len(PEOPLE), 60, log=self.story)

    def pause(self, *, paused):
        self.functions.update_event_source_mapping(
            UUID=self.outputs["ConsumerMapping"], Enabled=not paused
        )

    def is_paused(self):
        found = self.functions.get_event_source_mapping(UUID=self.outputs["ConsumerMapping"])
        return found["State"] in ("Disabled", "Disabling")

    def schedules(self):
        return self.fanline("schedule", "list")[1]

    def change(self, name, value):
        """Changes one parameter, as `sam deploy --parameter-overrides NAME=VALUE` does."""
        others = [key for key in self.described()["parameters"] if key != name]
        self.clouds.update_stack(
            StackName=self.name,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value},
                *({"ParameterKey": key, "UsePreviousValue": True} for key in others),
            ],
        )
        self.clouds.get_waiter("stack_update_complete").wait(
            StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        self.outputs = self.described()["outputs"]


@pytest.fixture(scope="module")
def days():
    with Aws() as aws, Simulated("line") as line:
        days = Days(aws, line)
        days.first()
        days.s3.create_bucket(Bucket="fanline-other-lists")
        yield days


@pytest.fixture
def new_version():
    """A build of the same programs with another content."""
    # The paths in its template are relative, so it is beside the other build.
    new = BUILD.with_name("new-version")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(BUILD, new)
    for function in ("Producer", "Consumer"):
        with open(new / function / "bootstrap", "ab") as binary:
            binary.write(b"\0")
    yield new
    shutil.rmtree(new)


def test_a_new_version_leaves_pause_schedule_and_parameters_as_they_are(
    days, new_version, tmp_path
):
    days.schedule("daily", campaign("daily"), "cron(0 8 * * ? *)", tmp_path)
    days.pause(paused=True)
    days.fire("first", tmp_path)
    before = (days.schedules(), days.described()["parameters"])
    assert "daily: on, cron(0 8 * * ? *) in UTC, campaign `daily`" in before[0]
    assert "first: off, rate(1 minute) in UTC" in before[0]

    days.deploy(build=new_version)

    assert days.is_paused()
    assert (days.schedules(), days.described()["parameters"]) == before
    assert days.waiting("DeliveryQueueUrl") == len(PEOPLE)
    assert days.ledger()["accepted_recipients"] == 0
    consumer = days.outputs["ConsumerFunction"]
    alias = days.functions.get_alias(FunctionName=consumer, Name="live")
    assert alias["FunctionVersion"] == "2"


def test_the_doctor_names_the_pause_and_its_command_ends_it(days):
    code, said = days.fanline("doctor")
    assert code == 1, said
    mend = f"update-event-source-mapping --enabled --uuid {days.outputs['ConsumerMapping']}"
    assert "sending is paused" in said
    assert mend in said
    days.pause(paused=False)
    wait_until(lambda: days.ledger()["accepted_recipients"] == len(PEOPLE), 120, log=days.story)
    wait_until(lambda: days.drained("DeliveryQueueUrl"), 60)
    assert days.ledger()["duplicates"] == 0
    assert days.fanline("doctor") == (0, f"{days.name}: nothing is wrong\n")


def test_the_doctor_names_a_wrong_secret_and_a_spent_schedule(days):
    secrets = client("secretsmanager", days.aws.url)
    secrets.put_secret_value(SecretId=days.token, SecretString='{"token": "rehearsal"}')
    _, said = days.fanline("doctor")
    assert "the secret with the token is JSON" in said
    assert "put-secret-value" in said
    secrets.put_secret_value(SecretId=days.token, SecretString="rehearsal")
    assert days.fanline("doctor")[0] == 0


def test_a_schedule_in_the_past_is_refused(days, tmp_path):
    with pytest.raises(AssertionError, match="is in the past: it would never fire"):
        days.schedule("late", campaign("late"), "at(2026-01-01T00:00:00)", tmp_path)
    assert "late" not in days.schedules()


def test_no_change_of_a_parameter_loses_a_delivery_or_ends_the_pause(days, tmp_path):
    assert CHANGES.keys() == days.described()["parameters"].keys()
    days.pause(paused=True)
    days.fire("second", tmp_path)
    schedules = days.schedules()
    for name, value in CHANGES.items():
        if name == "SealKeyArn":
            days.change("SenderPrincipals", "")
        days.change(name, value)
        assert days.described()["parameters"][name] == value
        assert days.is_paused(), name
        assert days.schedules() == schedules, name
        assert days.waiting("DeliveryQueueUrl") == len(PEOPLE), name
    assert days.ledger()["accepted_recipients"] == len(PEOPLE)


def test_a_new_queue_type_leaves_the_old_queue_with_what_waits(days):
    old = days.outputs["DeliveryQueueUrl"]
    days.change("QueueType", "fifo")
    assert days.outputs["DeliveryQueueUrl"] != old
    assert days.waiting_at(old) == len(PEOPLE)


def test_a_deleted_stack_leaves_every_delivery(days):
    queues = days.sqs.list_queues()["QueueUrls"]
    waiting = {url: days.waiting_at(url) for url in queues}
    assert sum(waiting.values()) == len(PEOPLE)
    days.delete()
    assert {url: days.waiting_at(url) for url in queues} == waiting
    assert days.objects("lists/") == ["lists/friends.csv"]
    assert any(key.endswith("/run.json") for key in days.objects("ledger/"))
