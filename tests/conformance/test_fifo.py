"""FIFO queues: groups, order, deduplication."""

import time

from calls import entry, receive, refusal


def send_fifo(sqs, url, *texts):
    for text in texts:
        sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=text[0])


def bodies(messages):
    return [message["Body"] for message in messages]


def test_a_group_waits_while_one_of_its_messages_is_in_flight(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    send_fifo(sqs, url, "a1", "a2", "b1")
    assert bodies(receive(sqs, url, MaxNumberOfMessages=1)) == ["a1"]
    (other,) = receive(sqs, url)
    assert other["Body"] == "b1"
    assert len(other["Attributes"]["SequenceNumber"]) == 20
    assert other["Attributes"]["MessageGroupId"] == "b"


def test_a_deleted_message_unlocks_its_group(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    send_fifo(sqs, url, "a1", "a2")
    (first,) = receive(sqs, url, MaxNumberOfMessages=1)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["a2"]


def test_a_duplicate_is_accepted_and_not_delivered(sqs, make):
    url = make(fifo=True)
    send = {
        "QueueUrl": url,
        "MessageBody": "x",
        "MessageGroupId": "a",
        "MessageDeduplicationId": "once",
    }
    first = sqs.send_message(**send)
    (message,) = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    again = sqs.send_message(**send)
    assert again["SequenceNumber"] == first["SequenceNumber"]
    assert again["MessageId"] == first["MessageId"]
    assert receive(sqs, url) == []


def test_a_message_without_a_group_is_refused(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == ("MissingParameter", 400)


def test_an_entry_without_a_group_fails_the_whole_batch(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    entries = [entry("a", MessageGroupId="g"), entry("b", "y")]
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == (
        "InvalidParameterValue",
        400,
    )
    assert receive(sqs, url) == []


def test_an_entry_without_a_deduplication_id_fails_the_whole_batch(sqs, make):
    url = make(fifo=True)
    entries = [
        entry("a", MessageGroupId="g", MessageDeduplicationId="1"),
        entry("b", MessageGroupId="g"),
    ]
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == (
        "InvalidParameterValue",
        400,
    )
    assert receive(sqs, url) == []


def test_a_delay_for_a_single_message_is_refused(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true")
    call = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g", "DelaySeconds": 2}
    assert refusal(sqs.send_message, **call) == ("InvalidParameterValue", 400)


def test_a_late_delete_from_a_fifo_queue_fails(sqs, make):
    url = make(fifo=True, ContentBasedDeduplication="true", VisibilityTimeout=1)
    send_fifo(sqs, url, "a1")
    (message,) = receive(sqs, url)
    time.sleep(1.5)
    call = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    assert refusal(sqs.delete_message, **call) == ("InvalidParameterValue", 400)
