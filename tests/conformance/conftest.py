"""Whom the suite asks: `fanline simulate queue`, and moto for a second opinion.

An SDK from before 2023 speaks the older protocol: with one, the suite asks `fanline` alone.

With FANLINE_SQS_ENDPOINT set it asks that URL instead. Where the variable is `aws`, it asks SQS
itself, with the account and region of the environment: it creates about eighty queues there and
deletes them again. docs/simulated-queue.md says how the answers differ.
"""

import contextlib
import json
import os
import uuid

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
import pytest

import world
from calls import attribute

ENDPOINT = os.environ.get("FANLINE_SQS_ENDPOINT")
PROTOCOL = botocore.session.get_session().get_service_model("sqs").metadata["protocol"]

# Where moto 5.2.5 does not answer as SQS does, and what it does instead. A test that is named here
# and passes fails the suite, so the table stays true.
MOTO_DIFFERS = {
    "test_an_entry_over_the_queues_size_limit_fails_alone": "the whole request fails",
    "test_an_entry_with_a_character_outside_xml_fails_alone": "the entry is sent",
    "test_attributes_count_towards_the_size": "only the body counts",
    "test_an_empty_body_and_an_empty_attribute_are_refused": "an empty body is sent",
    "test_eleven_attributes_are_refused": "all eleven are sent",
    "test_a_group_with_a_space_is_refused": "the message is sent",
    "test_the_visibility_of_a_deleted_message_cannot_be_changed": "`ReceiptHandleIsInvalid`",
    "test_a_message_moves_on_the_receive_after_its_last": "the message does not name its source",
    "test_a_redrive_policy_out_of_bounds_is_refused": "accepted, or HTTP 500 for text",
    "test_dead_letters_move_back": "HTTP 500",
    "test_messages_move_only_from_a_dead_letter_queue": "HTTP 500",
    "test_a_group_waits_while_one_of_its_messages_is_in_flight": "no sequence number",
    "test_a_duplicate_is_accepted_and_not_delivered": "the answer has a new sequence number",
    "test_an_entry_without_a_group_fails_the_whole_batch": "`MissingParameter`",
    "test_a_late_delete_from_a_fifo_queue_fails": "the message is deleted",
    "test_an_invalid_queue_name_is_refused[no-attribute]": "a standard queue is created",
    "test_an_attribute_out_of_bounds_is_refused": "any number is accepted",
    "test_an_unknown_attribute_is_refused": "it is accepted",
    "test_a_fifo_attribute_on_a_standard_queue_is_refused": "it is accepted",
    "test_policies_are_returned": "`RedriveAllowPolicy` is not returned",
    "test_an_invalid_permission_is_refused[no-label]": "it is added",
}


def asked():
    if ENDPOINT:
        return [ENDPOINT]
    return ["fanline"] if PROTOCOL == "query" else ["fanline", "moto"]


@pytest.fixture(scope="session", params=asked())
def endpoint(request):
    peers = {"fanline": lambda: world.Simulated("queue"), "moto": world.Moto}
    if request.param not in peers:
        yield request.param
        return
    with peers[request.param]() as peer:
        yield peer.url


@pytest.fixture(scope="session")
def sqs(endpoint):
    # A retry would hide the first answer.
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
    """Creates queues, and deletes them when the test is over."""
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
        # The test may have deleted it already.
        with contextlib.suppress(botocore.exceptions.ClientError):
            sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def with_dead_letters(sqs, make):
    """A queue and its dead-letter queue."""

    def with_dead_letters(receives, **attributes):
        dead = make(**{key: value for key, value in attributes.items() if key == "fifo"})
        policy = {
            "deadLetterTargetArn": attribute(sqs, dead, "QueueArn"),
            "maxReceiveCount": receives,
        }
        return make(RedrivePolicy=json.dumps(policy), **attributes), dead

    return with_dead_letters
