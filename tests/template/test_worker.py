"""templates/worker.yaml: what a worker may do, what runs on its machine, and how many there are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))

import checks
import scaling
from test_template import TEMPLATE as STACK

ROOT = Path(__file__).parents[2]
PATH = ROOT / "templates" / "worker.yaml"
TEMPLATE = yaml_parse(PATH.read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]
UNIT = ROOT / "templates" / "fanline-worker.service"
SCRIPT = ROOT / "templates" / "fanline-scale-in.sh"


def properties(name):
    return RESOURCES[name]["Properties"]


def user_data():
    data = properties("LaunchTemplate")["LaunchTemplateData"]["UserData"]
    return data["Fn::Base64"]["Fn::Sub"][0]


def file_in_user_data(path):
    """What the user data writes there."""
    start = f"cat > {path} <<'END'\n"
    after = user_data().split(start)[1]
    return after.split("END\n")[0].replace("${!", "${")


def test_the_template_passes_the_linter():
    lint = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--template", PATH],
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout


def test_the_unit_and_the_script_are_those_of_the_folder():
    assert file_in_user_data("/etc/systemd/system/fanline-worker.service") == UNIT.read_text()
    assert file_in_user_data("/usr/local/bin/fanline-scale-in") == SCRIPT.read_text()


def test_the_user_data_is_a_script_that_bash_reads():
    script = re.sub(r"\$\{[^!}]+\}", "x", user_data()).replace("${!", "${")
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr


def test_nothing_can_connect_to_a_worker():
    group = properties("WorkerSecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [rule["ToPort"] for rule in group["SecurityGroupEgress"]] == [443]


def statements(role):
    return list(checks.statements(properties(role)["Policies"]))


@pytest.mark.parametrize("role", ["WorkerRole", "ExecutionRole"])
def test_a_role_allows_named_actions_on_named_resources(role):
    for statement, _ in statements(role):
        actions = checks.as_list(statement["Action"])
        assert not [action for action in actions if "*" in action], statement["Sid"]
        if "*" in checks.as_list(statement["Resource"]):
            # IAM accepts no resource for these two.
            assert actions in (["ecr:GetAuthorizationToken"], ["lambda:ListEventSourceMappings"])
        if all(action.startswith("kms:") for action in actions):
            condition = str(statement["Condition"])
            assert "kms:ViaService" in condition or checks.seals(condition)
        if "s3:ListBucket" in actions:
            assert "s3:prefix" in str(statement["Condition"])


def test_a_worker_may_do_to_queues_and_secrets_what_the_consumer_may():
    def actions(all_statements):
        return {
            action
            for statement, _ in all_statements
            for action in checks.as_list(statement["Action"])
            if action.startswith(("sqs:", "secretsmanager:", "kms:"))
        }

    consumer = STACK["Resources"]["ConsumerRole"]["Properties"]["Policies"]
    assert actions(statements("WorkerRole")) == actions(checks.statements(consumer))


def test_both_platforms_have_the_same_settings_and_the_consumer_knows_them():
    lines = file_in_user_data("/etc/fanline/worker.env").splitlines()
    on_ec2 = {line.split("=")[0] for line in lines}
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    on_fargate = {one["Name"] for one in container["Environment"]}
    assert on_ec2 == on_fargate
    known = "".join(
        path.read_text()
        for folder in ("consumer/src", "cli/src/args", "cli/src/commands")
        for path in (ROOT / folder).rglob("*.rs")
    )
    assert [name for name in on_ec2 - {"AWS_REGION"} if f'"{name}"' not in known] == []


def test_what_workers_count_is_under_the_name_that_the_alarms_of_the_stack_look_for():
    name = STACK["Outputs"]["ConsumerFunction"]["Value"]
    watched = set()
    for alarm in checks.of_type(STACK, "AWS::CloudWatch::Alarm").values():
        stats = (one.get("MetricStat", {}).get("Metric", {}) for one in alarm.get("Metrics", []))
        for metric in (alarm, *stats):
            if {"Name": "function", "Value": name} in metric.get("Dimensions", []):
                watched.add(metric["MetricName"])
    ours = {"no_key", "too_fast", "holds", "retry", "accepted", "already_accepted", "control_age"}
    assert watched == ours
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    on_fargate = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert on_fargate["CONSUMER_FUNCTION"] == {"Ref": "ConsumerFunction"}
    lines = file_in_user_data("/etc/fanline/worker.env").splitlines()
    assert "CONSUMER_FUNCTION=${ConsumerFunction}" in lines
    # Without a value the workers would be seen by no alarm, and no one would notice.
    assert "Default" not in TEMPLATE["Parameters"]["ConsumerFunction"]


def test_both_platforms_run_the_same_command():
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    command = " ".join(container["Command"])
    assert f"ExecStart=/usr/local/bin/fanline {command}\n" in UNIT.read_text()
    # A batch has 30 seconds, and the hook and ECS wait for longer than the unit.
    stop = int(re.search(r"TimeoutStopSec=(\d+)", UNIT.read_text())[1])
    (hook,) = properties("Workers")["LifecycleHookSpecificationList"]
    assert 30 < stop < hook["HeartbeatTimeout"]
    assert stop == container["StopTimeout"] <= 120
    assert hook["LifecycleHookName"] in SCRIPT.read_text()


def test_the_image_is_read_only_and_runs_as_nobody():
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["User"] == "65532:65532"
    assert "USER 65532:65532" in (ROOT / "Dockerfile").read_text()
    data = properties("LaunchTemplate")["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"


def test_both_platforms_scale_by_the_same_rule():
    def expressions(name, *path):
        value = properties(name)
        for key in path:
            value = value[key]
        return [one["Expression"] for one in value if "Expression" in one]

    specification = ("CustomizedMetricSpecification", "Metrics")
    on_ec2 = expressions("BacklogPolicy", "TargetTrackingConfiguration", *specification)
    on_fargate = expressions(
        "TaskBacklogPolicy", "TargetTrackingScalingPolicyConfiguration", *specification
    )
    assert on_ec2 == on_fargate
    for alarm in ("FirstAlarm", "IdleAlarm"):
        assert expressions(alarm, "Metrics") == expressions(f"Task{alarm}", "Metrics")
        for name in (alarm, f"Task{alarm}"):
            assert properties(name)["EvaluationPeriods"] == properties(alarm)["EvaluationPeriods"]


def test_the_outputs_of_a_stack_are_what_the_template_takes():
    queues = ("DeliveryQueue", "UrgentQueue", "DeadLetterQueue", "OutcomeQueue", "ParkedQueue")
    for name in (*(f"{queue}Arn" for queue in queues), "ConsumerFunction"):
        assert name in TEMPLATE["Parameters"]
        assert name in STACK["Outputs"]


@pytest.mark.parametrize(
    ("given", "deploys"),
    [
        ({}, False),
        ({"ArtifactUri": "s3://a/b"}, False),
        ({"ArtifactUri": "s3://a/b", "ArtifactSha256": "0" * 64}, True),
        ({"Platform": "FARGATE"}, False),
        ({"Platform": "FARGATE", "ImageRepository": "fanline", "ImageTag": "0.3.0"}, True),
    ],
)
def test_the_rules_refuse_parameters_that_cannot_work(given, deploys):
    assert checks.allowed(TEMPLATE, given) == deploys


STUB = """#!/bin/bash
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
  *api/token*) echo token ;;
  *target-lifecycle-state*) read -r state < "$STATE"; echo "$state"
    echo Terminated > "$STATE" ;;
  *instance-id*) echo i-1 ;;
  *placement/region*) echo eu-west-1 ;;
esac
"""


def test_before_an_instance_ends_the_worker_is_stopped_and_the_group_told(tmp_path):
    for name in ("curl", "aws", "systemctl"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    calls, state = tmp_path / "calls", tmp_path / "state"
    state.write_text("InService\n")
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "STATE": str(state),
        "GROUP": "fanline-workers",
        "LOOK_SECONDS": "0",
    }
    subprocess.run([SCRIPT], env=variables, check=True, timeout=30)
    done = [line for line in calls.read_text().splitlines() if not line.startswith("curl")]
    assert done == [
        "systemctl stop fanline-worker",
        "aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE "
        "--auto-scaling-group-name fanline-workers --lifecycle-hook-name finish-in-hand "
        "--instance-id i-1 --region eu-west-1",
    ]


def course(arrivals, minutes, **changed):
    return scaling.simulate(arrivals, scaling.rule(**changed), minutes)


def test_the_rule_starts_one_worker_from_none_and_ends_with_none():
    seen = course({3: 20_000}, 40)
    assert max(seen.working) == 1
    assert seen.working[3 + 1 + scaling.METRIC_DELAY + scaling.START_MINUTES] == 1
    assert (seen.backlog[-1], seen.working[-1], seen.desired[-1]) == (0, 0, 0)


@pytest.mark.parametrize("backlog", [1, 1_000, 300_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("most", [1, 2, 6])
def test_every_backlog_is_sent_with_no_more_workers_than_allowed(backlog, most):
    minutes = 40 + 2 * backlog // (60 * scaling.LINE_LIMIT)
    seen = course({2: backlog}, minutes, most=most)
    assert sum(seen.sent) == pytest.approx(backlog)
    assert max(seen.desired) <= most
    assert max(seen.sent) <= scaling.LINE_LIMIT * 60
    assert seen.working[-1] == 0


def test_the_number_of_workers_does_not_swing():
    seen = course({minute: 110_000 for minute in range(5, 125)}, 160)
    pairs = zip(seen.desired, seen.desired[1:], strict=False)
    changes = sum(1 for one, then in pairs if one != then)
    # Up to one, up to two where the backlog grows, and down again.
    assert changes <= 4, seen.desired


def test_the_picture_of_the_docs_is_that_of_the_rule():
    assert (ROOT / "docs" / "pictures" / "scaling.svg").read_text() == scaling.picture()
