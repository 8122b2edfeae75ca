"""The template passes the linter and our own checks, and each check notices its fault."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import checks
from expand import expand

ROOT = Path(__file__).parents[2]
TEMPLATE = expand(ROOT / "template.yaml")
SECRETS = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:"
CHANNEL = {"NotifyApiBase": "https://example.com"}


def test_the_expanded_template_passes_the_linter(tmp_path):
    expanded = tmp_path / "template.json"
    expanded.write_text(json.dumps(TEMPLATE))
    lint = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), expanded], capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


def test_the_template_passes_our_own_checks():
    assert checks.complaints(TEMPLATE) == []


def resource(name):
    return lambda template: template["Resources"][name]["Properties"]


def mapping(template):
    return template["Mappings"]["Share"]["10"]


def parameter(name):
    return lambda template: template["Parameters"][name]


def rule(name):
    return lambda template: template["Rules"][name]["Assertions"][0]["Assert"]


def policy(role):
    def statement(template):
        policies = template["Resources"][role]["Properties"]["Policies"]
        return policies[0]["PolicyDocument"]["Statement"][1]

    return statement


REMOVED = object()
DELIVERIES = resource("ConsumerDeliveries")


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
        (
            resource("DeliveryQueue"),
            "VisibilityTimeout",
            179,
            "179 s is accepted, but a timeout of 30 s needs 180 s",
        ),
        (
            DELIVERIES,
            "MaximumBatchingWindowInSeconds",
            1,
            "180 s is accepted, but a timeout of 30 s needs 181 s",
        ),
        (
            resource("Producer"),
            "Timeout",
            901,
            "5400 s is accepted, but a timeout of 901 s needs 5406 s",
        ),
        (
            lambda template: template["Mappings"]["SliceVisibility"]["300"],
            "Seconds",
            900,
            "900 s is accepted, but a timeout of 300 s needs 1800 s",
        ),
        (
            parameter("VisibilityTimeoutSeconds"),
            "AllowedValues",
            [60, 180],
            "60 s is accepted, but a timeout of 30 s needs 180 s",
        ),
        (
            rule("VisibilityForTimeout60"),
            "Fn::Contains",
            [["180"], {"Ref": "VisibilityTimeoutSeconds"}],
            "180 s is accepted, but a timeout of 60 s needs 360 s",
        ),
        (mapping, "Push", "201", "LINE takes 2000"),
        (mapping, "Multicast", "200", "LINE takes 200"),
        (mapping, "Push", "20", "only 200.0 of 2000"),
        (DELIVERIES, "ScalingConfig", {"MaximumConcurrency": 20}, "does not follow"),
        (resource("DeadLetterQueue"), "MessageRetentionPeriod", 345600, "drop its dead letters"),
        (parameter("QueueRetentionSeconds"), "MaxValue", 1209600, "drop its dead letters"),
        (parameter("MaxReceiveCount"), "MinValue", 3, "at least 5"),
        (resource("DeliveryQueue"), "QueueName", "other", "does not accept it as a source"),
        (resource("DeadLetterQueue"), "FifoQueue", REMOVED, "needs a FIFO dead-letter queue"),
        (policy("ProducerRole"), "Resource", "*", "every resource"),
        (policy("ConsumerRole"), "Action", "sqs:*", "by a pattern"),
        (
            resource("ConsumerRole"),
            "ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"],
            "managed",
        ),
        (resource("SliceQueuePolicy"), "Queues", [], "plain HTTP"),
        (resource("ListsBucketPolicy"), "PolicyDocument", {"Statement": []}, "plain HTTP"),
        (resource("SliceQueue"), "SqsManagedSseEnabled", False, "exactly one key"),
        (resource("ProducerSchedule"), "Name", "ProducerSchedule", "same name"),
        (resource("ProducerEventInvokeConfig"), "MaximumRetryAttempts", REMOVED, "first row"),
        (resource("Consumer"), "LoggingConfig", {}, "must expire"),
        (resource("HoldsAlarm"), "AlarmActions", REMOVED, "notifies nobody"),
        (resource("DeadLettersAlarm"), "MetricName", "NumberOfMessagesSent", "does not count"),
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
        (CHANNEL | {"ScheduleState": "ENABLED"}, False),
        (CHANNEL | {"ScheduleState": "ENABLED", "Campaign": '{"campaign":"c"}'}, True),
        (CHANNEL | {"ScheduleState": "ENABLED", "CampaignUri": "s3://b/lists/c.json"}, True),
        (CHANNEL | {"ConsumerTimeoutSeconds": 120}, False),
        (CHANNEL | {"ConsumerTimeoutSeconds": 120, "VisibilityTimeoutSeconds": 720}, True),
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
            ["https://api.line.me", "http://127.0.0.1:5103"],
            ["api.line.me", "https://api.line.me/"],
        ),
        ("NotifyApiBase", ["", "https://notify.example.com"], ["notify"]),
        ("Campaign", ["{}", '{\n "campaign": "c"\n}\n'], ["", "c", "[]"]),
        ("CampaignUri", ["", "s3://bucket/c.json"], ["https://bucket/c.json", "s3://bucket/"]),
        (
            "ScheduleExpression",
            ["cron(0 8 * * ? *)", "rate(1 day)", "at(2026-12-25T08:00:00)"],
            ["0 8 * * *", "cron 0 8"],
        ),
        (
            "ScheduleTimeZone",
            ["UTC", "Asia/Taipei", "America/Argentina/Buenos_Aires"],
            ["", "Asia Taipei"],
        ),
        ("ExistingListsBucket", ["", "my-lists"], ["My Lists", "a"]),
        ("ListsPrefix", ["lists/", "a/b/"], ["", "/", "lists", "../*"]),
        (
            "KmsKeyArn",
            ["", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd"],
            ["alias/aws/sqs"],
        ),
        ("AlarmTopicArn", ["", "arn:aws:sns:us-east-1:123456789012:on-call"], ["on-call"]),
    ],
)
def test_a_parameter_accepts_only_valid_values(name, right, wrong):
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_every_parameter_has_a_description_and_a_group():
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    assert [name for name, p in TEMPLATE["Parameters"].items() if not p.get("Description")] == []


def test_the_dashboard_is_json():
    dashboard = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    json.loads(re.sub(r"\$\{[^}]+\}", "x", dashboard))
