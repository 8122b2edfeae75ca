"""Dead letters: how a message gets there, and how it moves back."""

import json
import time

import pytest

from calls import attribute, receive, refusal


def test_a_message_moves_on_the_receive_after_its_last(sqs, with_dead_letters):
    url, dead = with_dead_letters(1, VisibilityTimeout=1)
    sent = sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(sqs, url)) == 1
    time.sleep(1.5)
    assert receive(sqs, dead, WaitTimeSeconds=0) == []
    assert receive(sqs, url, WaitTimeSeconds=0) == []
    (letter,) = receive(sqs, dead, WaitTimeSeconds=5)
    assert letter["MessageId"] == sent["MessageId"]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == attribute(sqs, url, "QueueArn")
    assert letter["Attributes"]["ApproximateReceiveCount"] == "2"


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, with_dead_letters):
    url, dead = with_dead_letters(3)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


@pytest.mark.parametrize("count", [0, 1001, "often"])
def test_a_redrive_policy_out_of_bounds_is_refused(sqs, make, count):
    policy = {"deadLetterTargetArn": attribute(sqs, make(), "QueueArn"), "maxReceiveCount": count}
    call = {"QueueUrl": make(), "Attributes": {"RedrivePolicy": json.dumps(policy)}}
    assert refusal(sqs.set_queue_attributes, **call) == ("InvalidParameterValue", 400)


def test_dead_letters_move_back(sqs, with_dead_letters):
    url, dead = with_dead_letters(1, VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    receive(sqs, url)
    time.sleep(1.5)
    receive(sqs, url, WaitTimeSeconds=0)
    source = attribute(sqs, dead, "QueueArn")
    sqs.start_message_move_task(SourceArn=source)
    (message,) = receive(sqs, url, WaitTimeSeconds=10)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    (task,) = sqs.list_message_move_tasks(SourceArn=source)["Results"]
    assert task["ApproximateNumberOfMessagesMoved"] == 1


def test_messages_move_only_from_a_dead_letter_queue(sqs, make):
    source = attribute(sqs, make(), "QueueArn")
    assert refusal(sqs.start_message_move_task, SourceArn=source) == ("InvalidParameterValue", 400)
    assert (
        refusal(sqs.start_message_move_task, SourceArn=source + "-none")[0]
        == "ResourceNotFoundException"
    )
