"""Receiving: visibility, delays, long polls, attributes."""

import concurrent.futures
import time

import pytest

from calls import attribute, receive, refusal


def test_a_message_is_seen_again_when_its_visibility_timeout_is_over(sqs, make):
    url = make(VisibilityTimeout=2)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(sqs, url)
    assert receive(sqs, url, WaitTimeSeconds=0) == []
    (second,) = receive(sqs, url, WaitTimeSeconds=5)
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    first_received = "ApproximateFirstReceiveTimestamp"
    assert second["Attributes"][first_received] == first["Attributes"][first_received]


def test_a_delayed_message_is_not_seen_before_its_time(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=2)
    assert receive(sqs, url, WaitTimeSeconds=0) == []
    assert attribute(sqs, url, "ApproximateNumberOfMessagesDelayed") == "1"
    assert len(receive(sqs, url, WaitTimeSeconds=5)) == 1


def test_the_queues_delay_is_for_messages_without_their_own(sqs, make):
    url = make(DelaySeconds=900)
    sqs.send_message(QueueUrl=url, MessageBody="queue's")
    sqs.send_message(QueueUrl=url, MessageBody="own", DelaySeconds=0)
    assert [message["Body"] for message in receive(sqs, url)] == ["own"]


def test_a_long_poll_ends_as_soon_as_a_message_arrives(sqs, make):
    url = make()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = time.monotonic()
        poll = pool.submit(receive, sqs, url, WaitTimeSeconds=20)
        time.sleep(0.5)
        sqs.send_message(QueueUrl=url, MessageBody="x")
        assert len(poll.result()) == 1
    assert time.monotonic() - started < 5


def test_a_long_poll_of_an_empty_queue_waits_out_its_time(sqs, make):
    url = make(ReceiveMessageWaitTimeSeconds=2)
    started = time.monotonic()
    answer = sqs.receive_message(QueueUrl=url)
    assert "Messages" not in answer
    assert 1.5 < time.monotonic() - started < 5


def test_only_the_requested_attributes_are_returned(sqs, make):
    url = make(VisibilityTimeout=0)
    attributes = {
        name: {"DataType": "String", "StringValue": name} for name in ["foo.a", "foo.b", "bar"]
    }
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    (message,) = receive(sqs, url, MessageSystemAttributeNames=[])
    assert "Attributes" not in message
    assert "MessageAttributes" not in message
    (message,) = receive(
        sqs, url, MessageAttributeNames=["foo.*"], MessageSystemAttributeNames=["SentTimestamp"]
    )
    assert sorted(message["MessageAttributes"]) == ["foo.a", "foo.b"]
    assert list(message["Attributes"]) == ["SentTimestamp"]


@pytest.mark.parametrize(
    "options",
    [
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43_201},
    ],
    ids=str,
)
def test_numbers_out_of_bounds_are_refused(sqs, make, options):
    assert refusal(sqs.receive_message, QueueUrl=make(), **options) == (
        "InvalidParameterValue",
        400,
    )
