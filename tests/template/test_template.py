"""The template passes the linter and our own checks, and each check notices its fault."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import checks
import lasting
from expand import expand

ROOT = Path(__file__).parents[2]
TEMPLATE = expand(ROOT / "template.yaml")
SECRETS = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:"
CHANNEL = {"NotifyApiBase": "https://example.com"}


# SAM resolves them while it expands, so the expanded template does not use them.
USED_BY_SAM = ["--ignore-checks", "W2001", "W7001"]


@pytest.mark.parametrize("rollout", ["AllAtOnce", "Canary10Percent5Minutes"])
def test_the_expanded_template_passes_the_linter(tmp_path, rollout):
    expanded = tmp_path / "template.json"
    expanded.write_text(json.dumps(expand(ROOT / "template.yaml", {"Rollout": rollout})))
    lint = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *USED_BY_SAM, "--template", expanded],
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout


def test_the_template_passes_our_own_checks():
    assert checks.complaints(TEMPLATE) == []


def test_only_a_change_of_the_queue_type_replaces_what_holds_data():
    replaced = {name: sorted(by) for name, by in lasting.replaced(TEMPLATE).items() if by}
    holders = {
        name: by
        for name, by in replaced.items()
        if TEMPLATE["Resources"][name]["Type"] in lasting.HOLD_DATA
    }
    queues = ("DeadLetterQueue", "DeliveryQueue", "UrgentQueue")
    assert holders == {name: ["QueueType"] for name in queues}
    # The new mapping of a new queue, and the versions that follow the settings.
    version = next(name for name in replaced if name.startswith("ConsumerVersion"))
    others = replaced.keys() - holders.keys()
    lanes = {"ConsumerDeliveries", "ConsumerUrgentDeliveries"}
    assert others == lanes | {"ConsumerSettings", version}
    assert all(replaced[lane] == ["QueueType"] for lane in lanes)
    assert replaced[version] == replaced["ConsumerSettings"]


def test_without_the_ledger_nothing_of_it_is_deployed():
    assert TEMPLATE["Parameters"]["Ledger"]["Default"] == "DISABLED"
    of_the_ledger = re.compile("Bookkeeper|Outcome|Parked|Tick")
    resources = TEMPLATE["Resources"]
    by_condition = {
        name
        for name, one in resources.items()
        if one.get("Condition") in ("HasLedger", "WatchesLedger")
    }
    assert {name for name in resources if of_the_ledger.search(name)} <= by_condition
    others = sorted(name for name in by_condition if not of_the_ledger.search(name))
    alarms = ["Braked", "CannotBeOnTime", "ControlAge", "Imbalance", "Missing", "WillBeLate"]
    assert others == [f"{name}Alarm" for name in alarms]


def test_without_uploads_nothing_of_them_is_deployed():
    assert TEMPLATE["Parameters"]["OnUpload"]["Default"] == "DISABLED"
    resources = TEMPLATE["Resources"]
    ours = {name for name, one in resources.items() if one.get("Condition") == "HasOutbox"}
    assert ours == {"Uploads", "UploadsPermission"}
    rights = resources["ProducerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    outbox = [one for one in rights if "outbox/" in json.dumps(one)]
    assert [one["Fn::If"][0] for one in outbox if "Fn::If" in one] == ["HasOutbox"]


def test_without_the_urgent_lane_nothing_of_it_is_deployed():
    assert TEMPLATE["Parameters"]["UrgentLane"]["Default"] == "DISABLED"
    resources = TEMPLATE["Resources"]
    urgent = {name: one.get("Condition") for name, one in resources.items() if "Urgent" in name}
    assert len(urgent) == 5
    assert set(urgent.values()) == {"HasUrgent", "WatchesUrgent"}


def test_without_a_key_nothing_of_sealed_messages_is_deployed():
    assert TEMPLATE["Parameters"]["SealKeyArn"]["Default"] == ""
    resources = TEMPLATE["Resources"]
    ours = {name for name, one in resources.items() if one.get("Condition") == "WatchesSeal"}
    assert ours == {"NoKeyAlarm"}
    no_key = resources["NoKeyAlarm"]["Properties"]
    assert (no_key["Threshold"], no_key["EvaluationPeriods"]) == (0, 1)


def test_the_queue_type_says_that_its_change_makes_a_new_queue():
    assert "makes a new queue" in TEMPLATE["Parameters"]["QueueType"]["Description"]


def test_no_parameter_is_what_an_operator_changes_each_day():
    # A parameter that a file names is set back by the next deployment.
    daily = re.compile("Schedule|Campaign|State|Paused|Enabled")
    assert [name for name in TEMPLATE["Parameters"] if daily.search(name)] == []
    assert len(TEMPLATE["Parameters"]) <= 28


def resource(name):
    return lambda template: template["Resources"][name]["Properties"]


def whole(name):
    return lambda template: template["Resources"][name]


def parameter(name):
    return lambda template: template["Parameters"][name]


def policy(role, sid):
    def statement(template):
        policies = template["Resources"][role]["Properties"]["Policies"]
        return next(one for one, _ in checks.statements(policies) if one["Sid"] == sid)

    return statement


def setting(template):
    return template["Resources"]["Consumer"]["Properties"]["Environment"]["Variables"]


def math(template):
    return template["Resources"]["HoldsAlarm"]["Properties"]["Metrics"][0]


REMOVED = object()
DELIVERIES = resource("ConsumerDeliveries")
URGENT = resource("ConsumerUrgentDeliveries")


@pytest.mark.parametrize(
    ("where", "key", "value", "complaint"),
    [
        (DELIVERIES, "FunctionResponseTypes", REMOVED, "delete the failed records"),
        (DELIVERIES, "FunctionResponseTypes", ["Misspelt"], "delete the failed records"),
        (DELIVERIES, "BatchSize", 100, "needs a batching window"),
        (resource("ProducerSlices"), "BatchSize", 2, "delete the failed records"),
        (DELIVERIES, "ScalingConfig", {}, "limits its concurrency"),
        (DELIVERIES, "ScalingConfig", {"MaximumConcurrency": 1}, "at least 2"),
        (DELIVERIES, "ProvisionedPollerConfig", {}, "exclude each other"),
        (DELIVERIES, "Enabled", True, "could end a pause"),
        (
            resource("DeliveryQueue"),
            "VisibilityTimeout",
            179,
            "a timeout of 30 s needs 180 s of visibility, not 179 s",
        ),
        (DELIVERIES, "MaximumBatchingWindowInSeconds", 1, "30 s needs 181 s"),
        (resource("Producer"), "Timeout", 301, "301 s needs 1806 s"),
        (setting, "ENVIRONMENTS", 10, "is not the mapping's concurrency"),
        (setting, "URGENT_ENVIRONMENTS", "2", "is not the urgent mapping's concurrency"),
        (URGENT, "Enabled", True, "could end a pause"),
        (URGENT, "FunctionResponseTypes", REMOVED, "delete the failed records"),
        (resource("UrgentQueue"), "VisibilityTimeout", 179, "needs 180 s of visibility"),
        (resource("UrgentQueue"), "QueueName", "other", "does not accept it as a source"),
        (resource("UrgentQueuePolicy"), "Queues", [], "plain HTTP"),
        (setting, "MAX_RECEIVE_COUNT", 5, "is not the queue's number"),
        (parameter("LinePushLimit"), "Default", 2500, "LINE takes 2000"),
        (parameter("LineMulticastLimit"), "Default", 20, "LINE takes 200"),
        (parameter("MaximumConcurrency"), "MaxValue", 1000, "can't send one request a second"),
        (DELIVERIES, "ScalingConfig", {"MaximumConcurrency": 20}, "is not the mapping's"),
        (resource("DeadLetterQueue"), "MessageRetentionPeriod", 345600, "drop its dead letters"),
        (
            lambda template: template["Resources"]["SliceQueue"]["Properties"]["RedrivePolicy"],
            "maxReceiveCount",
            3,
            "at least 5",
        ),
        (resource("DeliveryQueue"), "QueueName", "other", "does not accept it as a source"),
        (resource("DeadLetterQueue"), "FifoQueue", REMOVED, "needs a FIFO dead-letter queue"),
        (policy("ProducerRole", "PublishDeliveries"), "Resource", "*", "every resource"),
        (policy("ConsumerRole", "TakeDeliveries"), "Action", "sqs:*", "by a pattern"),
        (policy("ConsumerRole", "UseTheKey"), "Condition", REMOVED, "outside of a service"),
        (policy("ScheduleRole", "UseTheKey"), "Condition", REMOVED, "outside of a service"),
        (policy("ProducerRole", "SealDeliveries"), "Condition", REMOVED, "outside of a service"),
        (policy("ConsumerRole", "OpenDeliveries"), "Condition", {}, "outside of a service"),
        (policy("ProducerRole", "TellMissingFromForbidden"), "Condition", REMOVED, "as a whole"),
        (policy("ConsumerRole", "ReadImages"), "Resource", "${ListsPrefix}*", "read the lists"),
        (
            resource("ConsumerRole"),
            "ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"],
            "managed",
        ),
        (resource("SliceQueuePolicy"), "Queues", [], "plain HTTP"),
        (resource("ListsBucketPolicy"), "PolicyDocument", {"Statement": []}, "plain HTTP"),
        (resource("SliceQueue"), "SqsManagedSseEnabled", False, "exactly one key"),
        (
            lambda template: template["Resources"],
            "Nightly",
            {"Type": "AWS::Scheduler::Schedule", "Properties": {}},
            "switch it on or off",
        ),
        (resource("ScheduleRole"), "AssumeRolePolicyDocument", {}, "another group"),
        (resource("ProducerEventInvokeConfig"), "MaximumRetryAttempts", REMOVED, "first row"),
        (resource("Tick"), "GroupName", "campaigns", "switch it on or off"),
        (resource("BookkeeperEventInvokeConfig"), "MaximumRetryAttempts", 2, "again from the"),
        (resource("BookkeeperOutcomes"), "MaximumBatchingWindowInSeconds", 3, "363 s of visi"),
        (resource("Bookkeeper"), "FunctionName", REMOVED, "a function that is not there"),
        (resource("BrakedAlarm"), "Dimensions", [], "a function that is not there"),
        (policy("BookkeeperRole", "FindRuns"), "Condition", REMOVED, "as a whole"),
        (policy("ConsumerRole", "TellMissingFromForbidden"), "Condition", REMOVED, "as a whole"),
        (resource("Consumer"), "LoggingConfig", {}, "must expire"),
        (resource("HoldsAlarm"), "AlarmActions", REMOVED, "notifies nobody"),
        (resource("NoKeyAlarm"), "Dimensions", [], "one channel of two"),
        (resource("DeadLettersAlarm"), "MetricName", "NumberOfMessagesSent", "does not count"),
        (resource("DeadLettersAlarm"), "Namespace", "fanline", "one channel of two"),
        (math, "Expression", "FILL(holds_line, 0)", "does not use holds_notify"),
        (whole("DeliveryQueue"), "UpdateReplacePolicy", "Delete", "deletes it"),
        (whole("ScheduleDeadLetterQueue"), "DeletionPolicy", REMOVED, "deleted with the stack"),
        (whole("ConsumerLogs"), "DeletionPolicy", "Delete", "deleted with the stack"),
        (setting, "NEW", {"Ref": "OldestDeliverySeconds"}, "OldestDeliverySeconds reaches"),
        (setting, "NEW", {"Fn::If": ["ListsExpire", "a", "b"]}, "ListsRetentionDays reaches"),
        (resource("ConsumerSettings"), "Description", "", "QueueType reaches the consumer"),
        (
            resource("ConsumerSettings"),
            "Description",
            {"Fn::Join": [" ", [{"Ref": "LogRetentionDays"}]]},
            "LogRetentionDays is named, but does not reach",
        ),
    ],
)
def test_a_fault_in_the_template_is_noticed(where, key, value, complaint):
    template = copy.deepcopy(TEMPLATE)
    if value is REMOVED:
        del where(template)[key]
    else:
        where(template)[key] = value
    assert complaint in "\n".join(checks.complaints(template))


@pytest.mark.parametrize(
    ("given", "deploys"),
    [
        ({}, False),
        (CHANNEL, True),
        ({"ChannelTokenSecretArn": f"{SECRETS}line-AbCdEf"}, True),
    ],
)
def test_the_rules_refuse_parameters_that_cannot_work(given, deploys):
    assert checks.allowed(TEMPLATE, given) == deploys


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "ChannelTokenSecretArn",
            ["", f"{SECRETS}line/token-AbCdEf"],
            ["token", "arn:aws:sqs:us-east-1:123456789012:q"],
        ),
        (
            "LineApiBase",
            ["https://api.line.me", "http://127.0.0.1:5102", "http://localhost", "http://[::1]:1"],
            ["", "api.line.me", "https://api.line.me/", "http://api.line.me", "http://localhost.x"],
        ),
        (
            "NotifyApiBase",
            ["", "https://notify.example.com", "http://127.0.0.1:5102"],
            ["notify", "http://notify.example.com", "http://127.0.0.1.example.com"],
        ),
        (
            "SenderPrincipals",
            [
                "",
                "123456789012",
                "arn:aws:iam::123456789012:root",
                "arn:aws:iam::123456789012:role/teams/sender",
                "arn:aws-cn:iam::123456789012:user/sender",
            ],
            ["*", "12345678901", "arn:aws:iam::123456789012:role/*", "arn:aws:iam::*:root"],
        ),
        ("AlarmEmail", ["", "on-call@example.com"], ["on-call", "a b@example.com"]),
        ("ExistingListsBucket", ["", "my-lists"], ["My Lists", "a"]),
        ("ListsPrefix", ["lists/", "a/b/"], ["", "/", "lists", "../*"]),
        (
            "KmsKeyArn",
            ["", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd"],
            ["alias/aws/sqs"],
        ),
        (
            "SealKeyArn",
            ["", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd"],
            ["alias/mine", "arn:aws:kms:us-east-1:123456789012:alias/mine"],
        ),
        ("AlarmTopicArn", ["", "arn:aws:sns:us-east-1:123456789012:on-call"], ["on-call"]),
    ],
)
def test_a_parameter_accepts_only_valid_values(name, right, wrong):
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_the_producer_alone_makes_data_keys_and_the_consumer_alone_opens_them():
    rights = {}
    for name, role in checks.of_type(TEMPLATE, "AWS::IAM::Role").items():
        for statement, under in checks.statements(role.get("Policies", [])):
            if statement["Resource"] == {"Ref": "SealKeyArn"}:
                assert under == ["Sealed"]
                rights[name] = statement["Action"]
    assert rights == {"ProducerRole": "kms:GenerateDataKey", "ConsumerRole": "kms:Decrypt"}


def test_every_parameter_has_a_description_and_a_group():
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    assert [name for name, p in TEMPLATE["Parameters"].items() if not p.get("Description")] == []


def test_the_dashboard_is_json():
    dashboard = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    json.loads(re.sub(r"\$\{[^}]+\}", "x", dashboard))
