"""Short forms of SQS calls that many tests need."""

import botocore.exceptions
import pytest


def parameters(sqs, action):
    return sqs.meta.service_model.operation_model(action).input_shape.members


def attribute(sqs, url, name):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"].get(name)


def receive(sqs, url, **options):
    options = {
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 1,
        "MessageSystemAttributeNames": ["All"],
    } | options
    # The name that the older protocol has for it.
    if "MessageSystemAttributeNames" not in parameters(sqs, "ReceiveMessage"):
        options["AttributeNames"] = options.pop("MessageSystemAttributeNames")
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def refusal(call, **options):
    """The error code and the HTTP status of a call that SQS refuses."""
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**options)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def entry(name, body="x", **options):
    return {"Id": name, "MessageBody": body, **options}
