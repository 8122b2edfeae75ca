"""Data keys as `fanline` makes and opens them: with boto3, and with the command itself."""

import json
import subprocess

import botocore.exceptions
import pytest

import world

# What `seal/src/key_service.rs` sends.
CONTEXT = {"fanline-run": "xmas@2026-12-25T00:00:00Z", "fanline-slice": "1"}
NOBODY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
PEOPLE = [{"to": f"U{number:032x}", "name": f"Ann {number}"} for number in range(20)]
CAMPAIGN = {
    "campaign": "sealed",
    "channel": "line",
    "recipients": PEOPLE,
    "messages": [{"type": "text", "text": "Hi {{ name }}"}],
}


def code(ask):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        ask()
    return error.value.response["Error"]["Code"]


def run(kms, arn, folder):
    """`fanline run` under this key, with the client of the AWS SDK for Rust."""
    (folder / "campaign.json").write_text(json.dumps(CAMPAIGN))
    return subprocess.run(
        [world.FANLINE, "run", "campaign.json", "--seal-key", arn, "--json"],
        cwd=folder,
        env=world.ACCOUNT | {"AWS_ENDPOINT_URL_KMS": kms.url, "AWS_MAX_ATTEMPTS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_data_key_opens_with_its_run_and_slice(kms):
    data_key = kms.data_key(CONTEXT)
    assert data_key["KeyId"] == kms.arn
    assert len(data_key["Plaintext"]) == 32
    assert kms.open(data_key, CONTEXT) == data_key["Plaintext"]


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"fanline-run": CONTEXT["fanline-run"]},
        CONTEXT | {"fanline-slice": "2"},
        CONTEXT | {"fanline-run": "easter"},
        CONTEXT | {"more": "1"},
    ],
)
def test_a_data_key_opens_with_no_other_context(kms, context):
    data_key = kms.data_key(CONTEXT)
    assert code(lambda: kms.open(data_key, context)) == "InvalidCiphertextException"


def test_a_key_that_is_not_there_is_named(kms):
    asked = [
        lambda: kms.client.generate_data_key(KeyId=NOBODY, KeySpec="AES_256"),
        lambda: kms.client.describe_key(KeyId=NOBODY),
    ]
    assert [code(ask) for ask in asked] == ["NotFoundException"] * 2


def test_a_key_is_described(kms):
    described = kms.client.describe_key(KeyId=kms.arn)["KeyMetadata"]
    assert described["Arn"] == kms.arn
    assert described["Enabled"]
    assert described["KeyState"] == "Enabled"
    assert described["KeyUsage"] == "ENCRYPT_DECRYPT"
    assert described["KeySpec"] == "SYMMETRIC_DEFAULT"


def test_a_run_is_sealed_under_the_key(kms, tmp_path):
    done = run(kms, kms.arn, tmp_path)
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    assert report["sealed"]
    assert report["accepted"] == len(PEOPLE)


def test_a_run_under_a_key_that_is_not_there_sends_nothing(kms, tmp_path):
    done = run(kms, NOBODY, tmp_path)
    assert done.returncode == 2, done
    assert "there is no such key in its Region" in done.stderr


# moto 5.2.5 gives data keys of such keys, too.
def test_a_run_under_a_disabled_key_or_one_that_is_to_be_deleted_sends_nothing(ministack, tmp_path):
    disabled, deleted = ministack.create(), ministack.create()
    ministack.client.disable_key(KeyId=disabled)
    ministack.client.schedule_key_deletion(KeyId=deleted)
    for arn, words in [(disabled, "enable it"), (deleted, "cancel its deletion")]:
        done = run(ministack, arn, tmp_path)
        assert done.returncode == 2, done
        assert words in done.stderr
        assert "nothing was sent" in done.stderr
