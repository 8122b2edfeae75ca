"""templates/worker.yaml, deployed to the stand-in for AWS as far as it goes there.

MiniStack starts no instances and scales nothing, and it has no Application Auto Scaling, so the
Fargate half is checked by the linter alone.
"""

import boto3
import pytest
from botocore.config import Config

from world import ACCOUNT, ROOT, Aws

QUEUE = "arn:aws:sqs:us-east-1:000000000000:"
PARAMETERS = {
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


def test_the_ec2_half_is_deployed_and_removed(aws):
    ec2 = client(aws, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    # AWS's own parameters can't be written.
    image = {"Name": "/images/al2023", "Value": "ami-12345678", "Type": "String"}
    client(aws, "ssm").put_parameter(**image)
    stack = client(aws, "cloudformation")
    given = PARAMETERS | {"VpcId": vpc, "SubnetIds": subnet, "ImageId": image["Name"]}
    stack.create_stack(
        StackName="workers",
        TemplateBody=(ROOT / "templates" / "worker.yaml").read_text(encoding="utf-8"),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack.get_waiter("stack_create_complete").wait(
        StackName="workers", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
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
    stack.delete_stack(StackName="workers")
    stack.get_waiter("stack_delete_complete").wait(
        StackName="workers", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
