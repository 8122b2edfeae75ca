"""Permissions: statements that are added to a queue's policy, and removed."""

import json

import pytest

from calls import attribute, refusal

ACCOUNT = "111111111111"


def add(sqs, url, label="one", actions=("SendMessage",), accounts=(ACCOUNT,)):
    sqs.add_permission(
        QueueUrl=url, Label=label, Actions=list(actions), AWSAccountIds=list(accounts)
    )


def test_a_permission_is_a_statement_of_the_policy(sqs, make):
    url = make()
    add(sqs, url)
    add(sqs, url, "two", ["*"])
    policy = json.loads(attribute(sqs, url, "Policy"))
    assert [statement["Sid"] for statement in policy["Statement"]] == ["one", "two"]
    assert policy["Statement"][0] == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "SQS:SendMessage",
        "Resource": attribute(sqs, url, "QueueArn"),
    }


def test_a_permission_is_removed_by_its_label(sqs, make):
    url = make()
    add(sqs, url)
    sqs.remove_permission(QueueUrl=url, Label="one")
    assert attribute(sqs, url, "Policy") is None
    call = {"QueueUrl": url, "Label": "one"}
    assert refusal(sqs.remove_permission, **call) == ("InvalidParameterValue", 400)


def test_a_label_is_added_once(sqs, make):
    url = make()
    add(sqs, url)
    assert refusal(add, sqs=sqs, url=url) == ("InvalidParameterValue", 400)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"actions": []}, ("MissingParameter", 400)),
        ({"actions": ["RemovePermission"]}, ("InvalidParameterValue", 400)),
        ({"actions": ["SendMessageBatch"]}, ("InvalidParameterValue", 400)),
        ({"actions": ["SendMessage"] * 8}, ("OverLimit", 403)),
        ({"accounts": []}, ("InvalidParameterValue", 400)),
        ({"label": ""}, ("MissingParameter", 400)),
    ],
    ids=["no-action", "owners-action", "batch", "eight-actions", "no-account", "no-label"],
)
def test_an_invalid_permission_is_refused(sqs, make, options, answer):
    url = make()
    assert refusal(add, sqs=sqs, url=url, **options) == answer
    assert attribute(sqs, url, "Policy") is None
