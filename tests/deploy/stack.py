"""The deployed stack, with the stand-ins that it uses."""

import csv
import json
import os
import subprocess
import time

from world import ACCOUNT, ARCHITECTURE, BUILD, FANLINE, ROOT, VENV, call, client, without_aws

BUCKET = "fanline-test-lists"
CAMPAIGN = {
    "campaign": "deployed",
    "channel": "line",
    "recipients": f"s3://{BUCKET}/lists/friends.csv",
    "messages": [{"type": "text", "text": "早安 {{ name }}！今天的折扣碼：{{ code }}"}],
}
# What a queue holds, whether it can be received now or not.
WAITING = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def rows():
    """The IDs of the list, in its order."""
    with open(ROOT / "events" / "friends.csv", encoding="utf-8", newline="") as friends:
        return [row["to"] for row in csv.DictReader(friends)]


def run(aws, command, folder=ROOT):
    return subprocess.run(
        command,
        cwd=folder,
        env=without_aws(os.environ)
        | ACCOUNT
        | {"AWS_ENDPOINT_URL": aws.url, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def sam_run(aws, *command, folder=ROOT):
    return run(aws, [VENV / "bin" / "sam", *command], folder)


def sam(aws, *command, folder=ROOT):
    done = sam_run(aws, *command, folder=folder)
    assert done.returncode == 0, f"{done.stdout}\n{aws.log()[-20_000:]}"
    return done.stdout


def template(build):
    """The options of `sam deploy` for a build in another folder than its own.

    SAM looks for its configuration beside the template.
    """
    config = ["--config-file", ROOT / "samconfig.toml", "--config-env", "ci"]
    return ["--template-file", build / "template.yaml", *config]


class Stack:
    """A stack that `sam deploy` makes of a build."""

    def __init__(self, aws, line, name="fanline-test"):
        self.aws, self.line, self.name = aws, line, name
        self.functions, self.sqs, self.s3 = (
            client(service, aws.url) for service in ("lambda", "sqs", "s3")
        )
        self.clouds = client("cloudformation", aws.url)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.upload_file(ROOT / "events" / "friends.csv", BUCKET, "lists/friends.csv")
        secrets = client("secretsmanager", aws.url)
        self.token = secrets.create_secret(Name="line-token", SecretString="rehearsal")["ARN"]

    def deploy(self, *options, build=BUILD, **parameters):
        """Runs `sam deploy`. Parameters that are not named keep their values."""
        return self.sam_deploy(*template(build), *options, **parameters)

    def sam_deploy(self, *options, folder=ROOT, **parameters):
        """The same with what `sam deploy` finds in a folder."""
        named = [f"{name}={value}" for name, value in parameters.items()]
        overrides = ["--parameter-overrides", *named] if named else []
        stack = ["--stack-name", self.name]
        said = sam(self.aws, "deploy", *stack, *options, *overrides, folder=folder)
        self.outputs = self.described()["outputs"]
        return said

    def first(self, **parameters):
        """The first deployment, for this machine and with the simulated LINE."""
        return self.deploy(**{"Architecture": ARCHITECTURE} | self.stand_ins() | parameters)

    def stand_ins(self):
        """The parameters for the simulated LINE and the bucket with the list."""
        return {
            "ChannelTokenSecretArn": self.token,
            "LineApiBase": self.line.url,
            "ExistingListsBucket": BUCKET,
        }

    def described(self):
        (stack,) = self.clouds.describe_stacks(StackName=self.name)["Stacks"]
        return {
            "outputs": {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]},
            "parameters": {
                one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]
            },
        }

    def fanline(self, *command):
        """Runs `fanline` on this stack. Returns its exit code and what it said."""
        return self.fanline_at(["--at", self.name], *command)

    def fanline_at(self, place, *command):
        """The same for another place than the stack's name."""
        done = run(self.aws, [FANLINE, *command, *place])
        return done.returncode, done.stdout

    def schedule(self, name, campaign, when, folder):
        """Runs `fanline schedule set` for a campaign."""
        file = folder / "campaign.json"
        file.write_text(json.dumps(campaign, ensure_ascii=False), encoding="utf-8")
        code, said = self.fanline("schedule", "set", name, file, "--when", when)
        assert code == 0, said
        return said

    def set(self, function, **variables):
        """Sets a function's own variables, for what is no parameter."""
        name = self.outputs[function]
        environment = self.functions.get_function_configuration(FunctionName=name)["Environment"]
        environment["Variables"] |= variables
        self.functions.update_function_configuration(FunctionName=name, Environment=environment)

    def delete(self):
        """Deletes the stack. `sam delete` can't read the address of the nested template here."""
        self.clouds.delete_stack(StackName=self.name)
        waiter = self.clouds.get_waiter("stack_delete_complete")
        waiter.wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    def ledger(self):
        return call("GET", f"{self.line.url}/_ledger")

    def objects(self, prefix):
        """The keys in the bucket for lists that begin so."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def waiting(self, queue):
        """How many messages a queue holds."""
        return self.waiting_at(self.outputs[queue])

    def waiting_at(self, url):
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=WAITING)
        return sum(int(answer["Attributes"][name]) for name in WAITING)

    def drained(self, *queues):
        return sum(map(self.waiting, queues)) == 0

    def story(self):
        """What to print when the stack does not do what it should."""
        return f"{self.ledger()}\n{self.aws.log()[-20_000:]}"


def soon():
    """A firing that is not past when its schedule is set, in UTC."""
    return time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(time.time() + 15))
