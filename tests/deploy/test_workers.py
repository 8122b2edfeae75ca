"""templates/worker.yaml, deployed to the stand-in for AWS as far as it goes there.

MiniStack starts no instances and scales nothing, and it has no Application Auto Scaling: how the
tasks are scaled is checked by the linter alone.
"""

import json

import boto3
import pytest
from botocore.config import Config
from samtranslator.yaml_helper import yaml_parse

from world import ACCOUNT, ROOT, Aws

TEMPLATE = ROOT / "templates" / "worker.yaml"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"
PARAMETERS = {
    "ConsumerFunction": "fanline-Consumer-1b5e",
    "DeliveryQueueArn": f"{QUEUE}deliveries",
    "UrgentQueueArn": f"{QUEUE}urgent",
    "DeadLetterQueueArn": f"{QUEUE}dead",
    "OutcomeQueueArn": f"{QUEUE}outcomes",
    "ParkedQueueArn": f"{QUEUE}parked",
    "ListsBucket": "lists",
    "ChannelTokenSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:line-AbCdEf",
    "ArtifactUri": "s3://artifacts/fanline",
    "ArtifactSha256": "0" * 64,
}


@pytest.fixture(scope="module")
def aws():
    with Aws() as aws:
        yield aws


def client(aws, service):
    return boto3.client(
        service,
        endpoint_url=aws.url,
        region_name="us-east-1",
        aws_access_key_id=ACCOUNT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def network(aws):
    """The parameters that need something in the account."""
    ec2 = client(aws, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    # AWS's own parameters can't be written.
    image = {"Name": "/images/al2023", "Value": "ami-12345678", "Type": "String"}
    client(aws, "ssm").put_parameter(**image)
    return {"VpcId": vpc, "SubnetIds": subnet, "ImageId": image["Name"]}


def deploy(aws, template, given):
    stack = client(aws, "cloudformation")
    stack.create_stack(
        StackName="workers",
        TemplateBody=template,
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack.get_waiter("stack_create_complete").wait(
        StackName="workers", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return stack


def remove(stack):
    stack.delete_stack(StackName="workers")
    stack.get_waiter("stack_delete_complete").wait(
        StackName="workers", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_the_ec2_half_is_deployed_and_removed(aws, network):
    ec2 = client(aws, "ec2")
    stack = deploy(aws, TEMPLATE.read_text(encoding="utf-8"), PARAMETERS | network)
    scaling = client(aws, "autoscaling")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["AutoScalingGroupName"] == "workers-workers"
    assert (group["MinSize"], group["MaxSize"]) == (0, 2)
    policies = scaling.describe_policies()["ScalingPolicies"]
    kinds = sorted(policy["PolicyType"] for policy in policies)
    assert kinds == ["StepScaling", "StepScaling", "TargetTrackingScaling"]
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    assert template["LatestVersionNumber"] == 1
    roles = client(aws, "iam").list_roles()["Roles"]
    assert [role for role in roles if role.get("Description", "").startswith("The workers of")]
    remove(stack)


def without_scaling():
    """The template without what MiniStack does not have, and what refers to it."""
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    resources = template["Resources"]
    unknown = {
        name
        for name, resource in resources.items()
        if resource["Type"].startswith("AWS::ApplicationAutoScaling::")
    }
    alarms = {
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        and any(one["Ref"] in unknown for one in resource["Properties"]["AlarmActions"])
    }
    for name in unknown | alarms:
        del resources[name]
    return json.dumps(template)


def test_the_fargate_half_is_deployed_without_its_scaling(aws, network):
    fargate = {
        "Platform": "FARGATE",
        "ImageRepository": "fanline",
        "ImageTag": "0.3.0",
        "ArtifactUri": "",
        "ArtifactSha256": "",
        "SealKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1b5e",
    }
    stack = deploy(aws, without_scaling(), PARAMETERS | network | fargate)
    ecs = client(aws, "ecs")
    (name,) = ecs.list_services(cluster="workers-workers")["serviceArns"]
    (service,) = ecs.describe_services(cluster="workers-workers", services=[name])["services"]
    assert (service["launchType"], service["status"]) == ("FARGATE", "ACTIVE")
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    task = task["taskDefinition"]
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("512", "1024", "awsvpc")
    (container,) = task["containerDefinitions"]
    assert container["image"].endswith(".dkr.ecr.us-east-1.amazonaws.com/fanline:0.3.0")
    environment = {one["name"]: one["value"] for one in container["environment"]}
    queue = "https://sqs.us-east-1.amazonaws.com/000000000000/deliveries"
    assert environment["DELIVERY_QUEUE_URL"] == queue
    assert environment["SEAL_KEY_ARN"] == fargate["SealKeyArn"]
    assert environment["CONSUMER_FUNCTION"] == PARAMETERS["ConsumerFunction"]
    role = task["taskRoleArn"].split("/")[-1]
    policy = client(aws, "iam").get_role_policy(RoleName=role, PolicyName="worker")
    statements = {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}
    assert statements["OpenDeliveries"]["Resource"] == fargate["SealKeyArn"]
    assert statements["OpenDeliveries"]["Action"] == "kms:Decrypt"
    assert "SeeWhetherLambdaTakesToo" in statements
    remove(stack)
