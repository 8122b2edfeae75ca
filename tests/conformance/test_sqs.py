"""What SQS does, asked of `fanline simulate queue` and, for a second opinion, of moto.

With FANLINE_SQS_ENDPOINT it is asked of that URL instead or, where that is `aws`, of SQS itself, with the account and region of the
environment: some eighty queues are made there, and deleted again. docs/simulated-queue.md says how the answers differ.
"""

import concurrent.futures
import hashlib
import json
import os
import time
import uuid

import boto3
import botocore.config
import botocore.exceptions
import pytest

import world

ENDPOINT = os.environ.get("FANLINE_SQS_ENDPOINT")

# Where moto 5.2.5 answers otherwise than SQS, each with what it does instead. A difference that has gone fails the suite.
MOTO_DIFFERS = {
    "test_an_entry_over_the_size_of_the_queue_fails_alone": "the whole request fails",
    "test_an_entry_with_a_character_that_xml_has_not_fails_alone": "the entry is sent",
    "test_attributes_count_towards_the_size": "only the body counts",
    "test_an_empty_body_and_an_empty_attribute_are_refused": "an empty body is sent",
    "test_eleven_attributes_are_refused": "all eleven are sent",
    "test_a_group_with_a_space_is_refused": "the message is sent",
    "test_the_visibility_of_a_deleted_message_cannot_be_changed": "refused with `ReceiptHandleIsInvalid`",
    "test_a_message_moves_on_the_receive_after_its_last": "the message does not say where it comes from",
    "test_a_redrive_policy_out_of_bounds_is_refused": "taken, or HTTP 500 for text",
    "test_dead_letters_move_back": "HTTP 500",
    "test_only_dead_letter_queues_are_moved_from": "HTTP 500",
    "test_a_group_is_in_order_and_locked_while_one_of_it_is_in_flight": "no sequence number comes with a message",
    "test_the_same_again_is_accepted_and_not_delivered": "the answer has a new sequence number",
    "test_an_entry_without_a_group_fails_the_whole_batch": "refused with `MissingParameter`",
    "test_a_late_delete_from_a_fifo_queue_fails": "the message is deleted",
    "test_names_that_are_none_are_refused[no-attribute]": "a standard queue is made",
    "test_attributes_have_their_bounds": "any number is taken",
    "test_an_attribute_that_there_is_not_is_refused": "it is taken",
    "test_an_attribute_of_fifo_queues_is_refused_elsewhere": "it is taken",
    "test_a_policy_comes_back": "`RedriveAllowPolicy` does not come back",
}


class Moto(world.Process):
    """moto's server, with nothing in it but SQS used."""

    def __init__(self):
        port = world.free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([world.VENV / "moto" / "bin" / "moto_server", "--host", "127.0.0.1", "--port", port])
        self.wait_until(lambda: world.answers(self.url))


@pytest.fixture(scope="session", params=[ENDPOINT] if ENDPOINT else ["fanline", "moto"])
def endpoint(request):
    peers = {"fanline": lambda: world.Simulated("queue"), "moto": Moto}
    if request.param not in peers:
        yield request.param
        return
    with peers[request.param]() as peer:
        yield peer.url


@pytest.fixture(scope="session")
def sqs(endpoint):
    # A retry would hide what was answered.
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    if endpoint == "aws":
        return boto3.client("sqs", config=config)
    return boto3.client(
        "sqs",
        config=config,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(autouse=True)
def known_difference(request, sqs):
    peer, _, parameters = request.node.callspec.id.partition("-")
    name = request.node.originalname
    differs = MOTO_DIFFERS.get(f"{name}[{parameters}]") or MOTO_DIFFERS.get(name)
    if peer == "moto" and differs:
        request.applymarker(pytest.mark.xfail(reason=differs, strict=True))


@pytest.fixture
def make(sqs):
    """Makes queues, and deletes them when the test is over."""
    urls = []

    def make(fifo=False, tags=None, **attributes):
        name = f"fanline-{uuid.uuid4().hex[:12]}" + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        attributes = {key: str(value) for key, value in attributes.items()}
        url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags or {})["QueueUrl"]
        urls.append(url)
        return url

    yield make
    for url in urls:
        try:
            sqs.delete_queue(QueueUrl=url)
        except botocore.exceptions.ClientError:
            pass


@pytest.fixture
def with_dead_letters(sqs, make):
    """A queue and its dead-letter queue."""

    def with_dead_letters(receives, **attributes):
        dead = make(**{key: value for key, value in attributes.items() if key == "fifo"})
        policy = {"deadLetterTargetArn": attribute(sqs, dead, "QueueArn"), "maxReceiveCount": receives}
        return make(RedrivePolicy=json.dumps(policy), **attributes), dead

    return with_dead_letters


def attribute(sqs, url, name):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"].get(name)


def receive(sqs, url, **options):
    options = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "MessageSystemAttributeNames": ["All"]} | options
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def refusal(call, **options):
    """The code and the HTTP status that a call is refused with."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**options)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def entry(id, body="x", **options):
    return {"Id": id, "MessageBody": body, **options}


# Sending


def test_a_message_comes_out_as_it_went_in(sqs, make):
    url = make()
    attributes = {
        "reason": {"DataType": "String", "StringValue": "配額"},
        "blob": {"DataType": "Binary.x", "BinaryValue": b"\0\1\xff"},
        "count": {"DataType": "Number", "StringValue": "-1.5"},
    }
    body = '早安 "quoted"\n\t🌅'
    # botocore checks the MD5 of the body, and of the attributes, itself.
    sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    (message,) = receive(sqs, url, MessageAttributeNames=["All"])
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == hashlib.md5(body.encode()).hexdigest() == sent["MD5OfMessageBody"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_an_entry_over_the_size_of_the_queue_fails_alone(sqs, make):
    url = make(MaximumMessageSize=1024)
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[entry("long", "x" * 1025), entry("fits", "x" * 1024)])
    assert [sent["Id"] for sent in answer["Successful"]] == ["fits"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("long", "InvalidParameterValue", True)


def test_an_entry_with_a_character_that_xml_has_not_fails_alone(sqs, make):
    answer = sqs.send_message_batch(QueueUrl=make(), Entries=[entry("bad", "a\x0b"), entry("good")])
    assert [sent["Id"] for sent in answer["Successful"]] == ["good"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidMessageContents", True)


def test_an_entry_with_too_long_a_delay_fails_alone(sqs, make):
    answer = sqs.send_message_batch(QueueUrl=make(), Entries=[entry("late", DelaySeconds=901), entry("good")])
    assert [sent["Id"] for sent in answer["Successful"]] == ["good"]
    assert [(failed["Id"], failed["SenderFault"]) for failed in answer["Failed"]] == [("late", True)]


@pytest.mark.parametrize(
    "entries, code",
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
def test_entries_that_are_no_batch_fail_together(sqs, make, entries, code):
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


# Receiving


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


def test_the_delay_of_the_queue_is_for_messages_without_their_own(sqs, make):
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


def test_only_the_attributes_that_were_asked_for_come(sqs, make):
    url = make(VisibilityTimeout=0)
    attributes = {name: {"DataType": "String", "StringValue": name} for name in ["foo.a", "foo.b", "bar"]}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    (message,) = receive(sqs, url, MessageSystemAttributeNames=[])
    assert "Attributes" not in message and "MessageAttributes" not in message
    (message,) = receive(sqs, url, MessageAttributeNames=["foo.*"], MessageSystemAttributeNames=["SentTimestamp"])
    assert sorted(message["MessageAttributes"]) == ["foo.a", "foo.b"]
    assert list(message["Attributes"]) == ["SentTimestamp"]


@pytest.mark.parametrize(
    "options",
    [{"MaxNumberOfMessages": 0}, {"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43_201}],
    ids=str,
)
def test_numbers_out_of_bounds_are_refused(sqs, make, options):
    assert refusal(sqs.receive_message, QueueUrl=make(), **options) == ("InvalidParameterValue", 400)


# Deleting and hiding


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


def test_a_handle_that_is_none_fails_alone(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    entries = [{"Id": "bad", "ReceiptHandle": "none"}, {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]}]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert [done["Id"] for done in answer["Successful"]] == ["good"]
    assert [(failed["Id"], failed["SenderFault"]) for failed in answer["Failed"]] == [("bad", True)]
    call = {"QueueUrl": url, "ReceiptHandle": "none"}
    assert refusal(sqs.delete_message, **call)[0] == "ReceiptHandleIsInvalid"


def test_a_message_can_be_shown_at_once(sqs, make):
    url = make()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert len(receive(sqs, url)) == 1


def test_visibility_can_be_changed_after_it_has_lapsed(sqs, make):
    url = make(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(sqs, url)
    time.sleep(1.5)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=30)


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
    assert refusal(sqs.purge_queue, QueueUrl=url) == ("AWS.SimpleQueueService.PurgeQueueInProgress", 403)


# Dead letters


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


def test_only_dead_letter_queues_are_moved_from(sqs, make):
    source = attribute(sqs, make(), "QueueArn")
    assert refusal(sqs.start_message_move_task, SourceArn=source) == ("InvalidParameterValue", 400)
    assert refusal(sqs.start_message_move_task, SourceArn=source + "-none")[0] == "ResourceNotFoundException"


# FIFO


def send_fifo(sqs, url, *texts):
    for text in texts:
        sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=text[0])


def bodies(messages):
    return [message["Body"] for message in messages]


def test_a_group_is_in_order_and_locked_while_one_of_it_is_in_flight(sqs, make):
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


def test_the_same_again_is_accepted_and_not_delivered(sqs, make):
    url = make(fifo=True)
    send = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "a", "MessageDeduplicationId": "once"}
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
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == ("InvalidParameterValue", 400)
    assert receive(sqs, url) == []


def test_an_entry_without_a_deduplication_id_fails_the_whole_batch(sqs, make):
    url = make(fifo=True)
    entries = [entry("a", MessageGroupId="g", MessageDeduplicationId="1"), entry("b", MessageGroupId="g")]
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == ("InvalidParameterValue", 400)
    assert receive(sqs, url) == []


def test_a_message_of_its_own_delay_is_refused(sqs, make):
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


# Queues


def test_a_queue_that_is_there_is_given_again_unless_an_attribute_differs(sqs, make):
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


def test_a_queue_that_is_not_there_is_a_typed_error(sqs):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.get_queue_url(QueueName=f"fanline-{uuid.uuid4().hex}")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused.value.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist"


@pytest.mark.parametrize(
    "name, attributes",
    [
        ("a name", {}),
        ("x" * 81, {}),
        ("no-attribute.fifo", {}),
        ("no-suffix", {"FifoQueue": "true"}),
    ],
    ids=["space", "long", "no-attribute", "no-suffix"],
)
def test_names_that_are_none_are_refused(sqs, name, attributes):
    assert refusal(sqs.create_queue, QueueName=name, Attributes=attributes) == ("InvalidParameterValue", 400)


@pytest.mark.parametrize(
    "name, least, most",
    [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1_024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
    ],
)
def test_attributes_have_their_bounds(sqs, make, name, least, most):
    url = make()
    for value in [least, most]:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
    for value in [least - 1, most + 1]:
        call = {"QueueUrl": url, "Attributes": {name: str(value)}}
        assert refusal(sqs.set_queue_attributes, **call) == ("InvalidAttributeValue", 400)


def test_an_attribute_that_there_is_not_is_refused(sqs, make):
    url = make()
    call = {"QueueUrl": url, "Attributes": {"Colour": "red"}}
    assert refusal(sqs.set_queue_attributes, **call) == ("InvalidAttributeName", 400)
    assert refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"]) == ("InvalidAttributeName", 400)


def test_an_attribute_of_fifo_queues_is_refused_elsewhere(sqs, make):
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


def test_a_policy_comes_back(sqs, make):
    url = make()
    allow = json.dumps({"redrivePermission": "denyAll"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedriveAllowPolicy": allow, "KmsMasterKeyId": "alias/aws/sqs"})
    assert json.loads(attribute(sqs, url, "RedriveAllowPolicy")) == {"redrivePermission": "denyAll"}
    assert attribute(sqs, url, "KmsMasterKeyId") == "alias/aws/sqs"


def test_tags_are_kept(sqs, make):
    url = make(tags={"team": "mail"})
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "mail", "stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
