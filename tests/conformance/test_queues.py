"""Queues: names, attributes, tags."""

import json
import uuid

import pytest

from calls import attribute, refusal


def test_creating_an_existing_queue_again_returns_it(sqs, make):
    url = make(DelaySeconds=1)
    name = url.rsplit("/", 1)[1]
    assert sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "1"})["QueueUrl"] == url
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == url
    call = {"QueueName": name, "Attributes": {"DelaySeconds": "2"}}
    assert refusal(sqs.create_queue, **call) == ("QueueAlreadyExists", 400)


def test_a_queue_is_found_by_its_name(sqs, make):
    url = make()
    name = url.rsplit("/", 1)[1]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]


def test_a_missing_queue_is_a_typed_error(sqs):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.get_queue_url(QueueName=f"fanline-{uuid.uuid4().hex}")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    # Only an SDK that speaks JSON knows two codes for an error.
    assert refused.value.response["Error"].get("QueryErrorCode", "QueueDoesNotExist") == (
        "QueueDoesNotExist"
    )


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("a name", {}),
        ("x" * 81, {}),
        ("no-attribute.fifo", {}),
        ("no-suffix", {"FifoQueue": "true"}),
    ],
    ids=["space", "long", "no-attribute", "no-suffix"],
)
def test_an_invalid_queue_name_is_refused(sqs, name, attributes):
    assert refusal(sqs.create_queue, QueueName=name, Attributes=attributes) == (
        "InvalidParameterValue",
        400,
    )


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1_024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
    ],
)
def test_an_attribute_out_of_bounds_is_refused(sqs, make, name, least, most):
    url = make()
    for value in [least, most]:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
    for value in [least - 1, most + 1]:
        call = {"QueueUrl": url, "Attributes": {name: str(value)}}
        assert refusal(sqs.set_queue_attributes, **call) == ("InvalidAttributeValue", 400)


def test_an_unknown_attribute_is_refused(sqs, make):
    url = make()
    call = {"QueueUrl": url, "Attributes": {"Colour": "red"}}
    assert refusal(sqs.set_queue_attributes, **call) == ("InvalidAttributeName", 400)
    assert refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"]) == (
        "InvalidAttributeName",
        400,
    )


def test_a_fifo_attribute_on_a_standard_queue_is_refused(sqs, make):
    call = {"QueueUrl": make(), "Attributes": {"ContentBasedDeduplication": "true"}}
    assert refusal(sqs.set_queue_attributes, **call) == ("InvalidAttributeName", 400)


def test_a_new_queue_has_the_defaults(sqs, make):
    attributes = sqs.get_queue_attributes(QueueUrl=make(), AttributeNames=["All"])["Attributes"]
    expected = {
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
        "ApproximateNumberOfMessages": "0",
    }
    assert {name: attributes.get(name) for name in expected} == expected
    assert "FifoQueue" not in attributes


def test_policies_are_returned(sqs, make):
    url = make()
    allow = json.dumps({"redrivePermission": "denyAll"})
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedriveAllowPolicy": allow, "KmsMasterKeyId": "alias/aws/sqs"}
    )
    assert json.loads(attribute(sqs, url, "RedriveAllowPolicy")) == {"redrivePermission": "denyAll"}
    assert attribute(sqs, url, "KmsMasterKeyId") == "alias/aws/sqs"


def test_tags_are_kept(sqs, make):
    url = make(tags={"team": "mail"})
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "mail", "stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
