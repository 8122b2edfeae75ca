"""Sending messages, alone and in batches."""

import hashlib

import pytest

from calls import entry, receive, refusal


def test_a_message_comes_out_as_it_went_in(sqs, make):
    url = make()
    attributes = {
        "reason": {"DataType": "String", "StringValue": "配額"},
        "blob": {"DataType": "Binary.x", "BinaryValue": b"\0\1\xff"},
        "count": {"DataType": "Number", "StringValue": "-1.5"},
    }
    body = '早安 "quoted"\n\t🌅'
    # botocore itself checks the MD5 of the body and of the attributes.
    sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    (message,) = receive(sqs, url, MessageAttributeNames=["All"])
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert (
        message["MD5OfBody"] == hashlib.md5(body.encode()).hexdigest() == sent["MD5OfMessageBody"]
    )
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_an_entry_over_the_queues_size_limit_fails_alone(sqs, make):
    url = make(MaximumMessageSize=1024)
    answer = sqs.send_message_batch(
        QueueUrl=url, Entries=[entry("long", "x" * 1025), entry("fits", "x" * 1024)]
    )
    assert [sent["Id"] for sent in answer["Successful"]] == ["fits"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "long",
        "InvalidParameterValue",
        True,
    )


def test_an_entry_with_a_character_outside_xml_fails_alone(sqs, make):
    answer = sqs.send_message_batch(QueueUrl=make(), Entries=[entry("bad", "a\x0b"), entry("good")])
    assert [sent["Id"] for sent in answer["Successful"]] == ["good"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "bad",
        "InvalidMessageContents",
        True,
    )


def test_an_entry_with_too_long_a_delay_fails_alone(sqs, make):
    answer = sqs.send_message_batch(
        QueueUrl=make(), Entries=[entry("late", DelaySeconds=901), entry("good")]
    )
    assert [sent["Id"] for sent in answer["Successful"]] == ["good"]
    assert [(failed["Id"], failed["SenderFault"]) for failed in answer["Failed"]] == [
        ("late", True)
    ]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([entry(str(n)) for n in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([entry("a"), entry("a")], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        ([entry("a.b")], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        ([entry("x" * 81)], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        ([entry("a", "x" * 1_048_576), entry("b")], "AWS.SimpleQueueService.BatchRequestTooLong"),
    ],
    ids=["eleven", "none", "same-id", "bad-id", "long-id", "too-long"],
)
def test_an_invalid_batch_fails_as_a_whole(sqs, make, entries, code):
    url = make()
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == (code, 400)
    assert receive(sqs, url, WaitTimeSeconds=0) == []


def test_a_body_of_one_mebibyte_is_sent_and_one_byte_more_is_not(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    too_long = {"QueueUrl": url, "MessageBody": "x" * 1_048_577}
    assert refusal(sqs.send_message, **too_long) == ("InvalidParameterValue", 400)


def test_attributes_count_towards_the_size(sqs, make):
    url = make(MaximumMessageSize=1024)
    attributes = {"name": {"DataType": "String", "StringValue": "value"}}
    counted = len("name") + len("String") + len("value")
    sqs.send_message(QueueUrl=url, MessageBody="x" * (1024 - counted), MessageAttributes=attributes)
    over = {"QueueUrl": url, "MessageBody": "x" * (1025 - counted), "MessageAttributes": attributes}
    assert refusal(sqs.send_message, **over) == ("InvalidParameterValue", 400)


def test_an_empty_body_and_an_empty_attribute_are_refused(sqs, make):
    url = make()
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="")[0] == "MissingParameter"
    empty = {"reason": {"DataType": "String", "StringValue": ""}}
    call = {"QueueUrl": url, "MessageBody": "x", "MessageAttributes": empty}
    assert refusal(sqs.send_message, **call) == ("InvalidParameterValue", 400)


def test_eleven_attributes_are_refused(sqs, make):
    eleven = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(11)}
    call = {"QueueUrl": make(), "MessageBody": "x", "MessageAttributes": eleven}
    assert refusal(sqs.send_message, **call) == ("InvalidParameterValue", 400)


def test_a_group_on_a_standard_queue_comes_back(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="tenant-7")
    (message,) = receive(sqs, url)
    assert message["Attributes"]["MessageGroupId"] == "tenant-7"


def test_a_group_with_a_space_is_refused(sqs, make):
    call = {"QueueUrl": make(), "MessageBody": "x", "MessageGroupId": "tenant 7"}
    assert refusal(sqs.send_message, **call) == ("InvalidParameterValue", 400)
