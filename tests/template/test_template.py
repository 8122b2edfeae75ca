"""The template: linted as it is deployed, and checked for what no linter sees."""

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
CHANNEL = {"NotifyApiBase": "https://example.com"}


def test_the_expanded_template_passes_the_linter(tmp_path):
    expanded = tmp_path / "template.json"
    expanded.write_text(json.dumps(TEMPLATE))
    lint = subprocess.run([Path(sys.executable).with_name("cfn-lint"), expanded], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


def test_nothing_is_wrong_that_no_linter_sees():
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
    return lambda template: template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]


REMOVED = object()


@pytest.mark.parametrize(
    ("where", "key", "value", "complaint"),
    [
        (resource("ConsumerDeliveries"), "FunctionResponseTypes", REMOVED, "would be deleted"),
        (resource("ConsumerDeliveries"), "FunctionResponseTypes", ["ReportBatchItemFailure"], "would be deleted"),
        (resource("ConsumerDeliveries"), "BatchSize", 100, "needs a window"),
        (resource("ProducerSlices"), "BatchSize", 2, "would be deleted"),
        (resource("ConsumerDeliveries"), "ScalingConfig", {}, "limits its concurrency"),
        (resource("ConsumerDeliveries"), "ScalingConfig", {"MaximumConcurrency": 1}, "at least 2"),
        (resource("ConsumerDeliveries"), "ProvisionedPollerConfig", {}, "exclude"),
        (resource("DeliveryQueue"), "VisibilityTimeout", 179, "visibility 179 s under 180 s"),
        (resource("ConsumerDeliveries"), "MaximumBatchingWindowInSeconds", 1, "visibility 180 s under 181 s"),
        (resource("Producer"), "Timeout", 901, "visibility 5400 s under 5406 s"),
        (lambda template: template["Mappings"]["SliceVisibility"]["300"], "Seconds", 900, "visibility 900 s under 1800 s"),
        (parameter("VisibilityTimeoutSeconds"), "AllowedValues", [60, 180], "visibility 60 s under 180 s"),
        (rule("VisibilityForTimeout60"), "Fn::Contains", [["180"], {"Ref": "VisibilityTimeoutSeconds"}], "timeout of 60 s is let through"),
        (mapping, "Push", "201", "LINE takes 2000"),
        (mapping, "Multicast", "200", "LINE takes 200"),
        (mapping, "Push", "20", "only 200.0 of 2000"),
        (resource("ConsumerDeliveries"), "ScalingConfig", {"MaximumConcurrency": 20}, "does not follow"),
        (resource("DeadLetterQueue"), "MessageRetentionPeriod", 345600, "no later than itself"),
        (parameter("QueueRetentionSeconds"), "MaxValue", 1209600, "no later than itself"),
        (parameter("MaxReceiveCount"), "MinValue", 3, "at least 5"),
        (resource("DeliveryQueue"), "QueueName", "other", "does not let it in"),
        (resource("DeadLetterQueue"), "FifoQueue", REMOVED, "is one too"),
        (policy("ProducerRole"), "Resource", "*", "every resource"),
        (policy("ConsumerRole"), "Action", "sqs:*", "by pattern"),
        (resource("ConsumerRole"), "ManagedPolicyArns", ["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"], "managed"),
        (resource("SliceQueuePolicy"), "Queues", [], "plain HTTP"),
        (resource("ListsBucketPolicy"), "PolicyDocument", {"Statement": []}, "plain HTTP"),
        (resource("SliceQueue"), "SqsManagedSseEnabled", False, "exactly one"),
        (resource("ProducerSchedule"), "Name", "ProducerSchedule", "collide"),
        (resource("ProducerEventInvokeConfig"), "MaximumRetryAttempts", REMOVED, "first row"),
        (resource("Consumer"), "LoggingConfig", {}, "end some day"),
        (resource("HoldsAlarm"), "AlarmActions", REMOVED, "tells nobody"),
        (resource("DeadLettersAlarm"), "MetricName", "NumberOfMessagesSent", "does not count"),
    ],
)
def test_a_spoilt_template_is_noticed(where, key, value, complaint):
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
        ({"ChannelTokenSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:line-AbCdEf"}, True),
        (CHANNEL | {"ScheduleState": "ENABLED"}, False),
        (CHANNEL | {"ScheduleState": "ENABLED", "Campaign": '{"campaign":"c"}'}, True),
        (CHANNEL | {"ScheduleState": "ENABLED", "CampaignUri": "s3://b/lists/c.json"}, True),
        (CHANNEL | {"ConsumerTimeoutSeconds": 120}, False),
        (CHANNEL | {"ConsumerTimeoutSeconds": 120, "VisibilityTimeoutSeconds": 720}, True),
    ],
)
def test_the_rules_refuse_what_could_not_work(given, deploys):
    assert checks.allowed(TEMPLATE, given) == deploys


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("ChannelTokenSecretArn", ["", "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:line/token-AbCdEf"], ["token", "arn:aws:sqs:us-east-1:123456789012:q"]),
        ("LineApiBase", ["https://api.line.me", "http://127.0.0.1:5103"], ["api.line.me", "https://api.line.me/"]),
        ("NotifyApiBase", ["", "https://notify.example.com"], ["notify"]),
        ("Campaign", ["{}", '{\n "campaign": "c"\n}\n'], ["", "c", "[]"]),
        ("CampaignUri", ["", "s3://bucket/lists/c.json"], ["https://bucket/c.json", "s3://bucket/"]),
        ("ScheduleExpression", ["cron(0 8 * * ? *)", "rate(1 day)", "at(2026-12-25T08:00:00)"], ["0 8 * * *", "cron 0 8"]),
        ("ScheduleTimeZone", ["UTC", "Asia/Taipei", "America/Argentina/Buenos_Aires"], ["", "Asia Taipei"]),
        ("ExistingListsBucket", ["", "my-lists"], ["My Lists", "a"]),
        ("ListsPrefix", ["lists/", "a/b/"], ["", "/", "lists", "../*"]),
        ("KmsKeyArn", ["", "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd"], ["alias/aws/sqs"]),
        ("AlarmTopicArn", ["", "arn:aws:sns:us-east-1:123456789012:on-call"], ["on-call"]),
    ],
)
def test_a_parameter_takes_what_it_says(name, right, wrong):
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    assert [value for value in right if not re.fullmatch(pattern, value)] == []
    assert [value for value in wrong if re.fullmatch(pattern, value)] == []


def test_every_parameter_says_what_it_is_for_and_stands_in_a_group():
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    assert [name for name, p in TEMPLATE["Parameters"].items() if not p.get("Description")] == []


def test_the_dashboard_is_json():
    dashboard = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    json.loads(re.sub(r"\$\{[^}]+\}", "x", dashboard))
