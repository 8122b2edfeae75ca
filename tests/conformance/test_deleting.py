"""Deleting messages, changing their visibility, purging a queue."""

import time

from calls import receive, refusal


def test_a_late_delete_deletes(sqs, make):
    url = make(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    time.sleep(1.5)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert receive(sqs, url, WaitTimeSeconds=2) == []


def test_deleting_twice_is_no_error(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_an_invalid_receipt_handle_fails_alone(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    entries = [
        {"Id": "bad", "ReceiptHandle": "none"},
        {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]},
    ]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert [done["Id"] for done in answer["Successful"]] == ["good"]
    assert [(failed["Id"], failed["SenderFault"]) for failed in answer["Failed"]] == [("bad", True)]
    call = {"QueueUrl": url, "ReceiptHandle": "none"}
    assert refusal(sqs.delete_message, **call)[0] == "ReceiptHandleIsInvalid"


def test_a_visibility_timeout_of_zero_shows_the_message_at_once(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    assert len(receive(sqs, url)) == 1


def test_visibility_can_be_changed_after_it_has_lapsed(sqs, make):
    url = make(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    time.sleep(1.5)
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=30
    )


def test_visibility_over_twelve_hours_is_refused(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    call = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 43_201}
    assert refusal(sqs.change_message_visibility, **call) == ("InvalidParameterValue", 400)


def test_the_visibility_of_a_deleted_message_cannot_be_changed(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    call = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 1}
    assert refusal(sqs.change_message_visibility, **call) == ("InvalidParameterValue", 400)


def test_only_one_purge_a_minute_is_allowed(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.purge_queue(QueueUrl=url)
    assert refusal(sqs.purge_queue, QueueUrl=url) == (
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        403,
    )
