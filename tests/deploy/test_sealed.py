"""`fanline doctor` on a deployed stack whose deliveries are sealed.

MiniStack obeys no policy, so a role without rights to the key is not shown here.
"""

import shlex

import pytest

from stack import Stack
from world import Aws, Simulated, client


@pytest.fixture(scope="module")
def sealed():
    with Aws() as aws, Simulated("line") as line:
        stack = Stack(aws, line)
        stack.kms = client("kms", aws.url)
        stack.key = stack.kms.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
        stack.first(SealKeyArn=stack.key)
        yield stack


def mended(stack, said):
    """Runs the command that the doctor says, and asks it again."""
    (command,) = (line.strip() for line in said.splitlines() if line.strip().startswith("aws "))
    for part in command.split(" && "):
        _, service, verb, *options = shlex.split(part)
        assert (service, options[0], options[2]) == ("kms", "--key-id", "--region")
        assert options[1] == stack.key
        getattr(stack.kms, verb.replace("-", "_"))(KeyId=options[1])
    return stack.fanline("doctor")


def test_a_key_that_can_be_used_is_no_finding(sealed):
    assert sealed.described()["parameters"]["SealKeyArn"] == sealed.key
    assert sealed.fanline("doctor") == (0, f"{sealed.name}: nothing is wrong\n")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("disable_key", "is disabled: nothing is sealed, and sealed deliveries wait"),
        ("schedule_key_deletion", "waits for its deletion: nothing is sealed, and sealed"),
    ],
)
def test_a_key_that_can_not_be_used_is_named_and_its_command_mends_it(sealed, verb, words):
    getattr(sealed.kms, verb)(KeyId=sealed.key)
    code, said = sealed.fanline("doctor")
    assert code == 1, said
    assert f"the key `{sealed.key}` of `SealKeyArn` {words}" in said
    assert mended(sealed, said) == (0, f"{sealed.name}: nothing is wrong\n")


def test_a_key_that_is_not_there_is_named(sealed):
    other = sealed.key.rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000"
    sealed.deploy(SealKeyArn=other)
    code, said = sealed.fanline("doctor")
    assert code == 1, said
    assert f"the key `{other}` of `SealKeyArn` does not exist in us-east-1" in said
    assert "SealKeyArn=ARN-OF-THE-KEY" in said
