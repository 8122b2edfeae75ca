"""Which events of S3 start the producer: a stand-in for EventBridge has the rule's pattern."""

import json
from pathlib import Path

import pytest

from expand import expand
from world import Aws, client

RULE = expand(Path(__file__).parents[2] / "template.yaml")["Resources"]["Uploads"]
BUCKET = "lists"
MOVED = "CopyObject"
PUT = ["PutObject", "POST Object", "CompleteMultipartUpload"]

# Campaigns in the outbox, however they come there.
STARTS = [
    "outbox/xmas.json",
    "outbox/shop/xmas.json",
    "outbox/名單 1+1.json",
    "outbox/done.json",
    "outbox/.json",
    "outbox/shop/done/xmas.json",
    "outbox/failed.xmas.json",
]
OUTSIDE = [
    "outbox/friends.csv",
    "outbox/xmas.JSON",
    "outbox/xmas.json.bak",
    "outbox/",
    "outbox.json",
    "outbox2/xmas.json",
    "Outbox/xmas.json",
    "lists/outbox/xmas.json",
    "ledger/xmas/run.json",
    "xmas.json",
]
SETTLED = ["outbox/done/xmas.json", "outbox/failed/xmas.json", "outbox/done/shop/xmas.json"]


def created(key, reason="PutObject", bucket=BUCKET, **more):
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "etag": "5f"}, "reason": reason}
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-12-25T00:00:00Z",
        "region": "ap-northeast-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": detail,
    } | more


@pytest.fixture(scope="module")
def matches():
    pattern = RULE["Properties"]["EventPattern"]
    # CloudFormation puts the bucket's name in its place.
    (name,) = pattern["detail"]["bucket"]["name"]
    assert name["Fn::If"][0] == "OwnBucket"
    text = json.dumps(pattern).replace(json.dumps(name), json.dumps(BUCKET))
    with Aws() as aws:
        events = client("events", aws.url)

        def ask(event):
            answer = events.test_event_pattern(EventPattern=text, Event=json.dumps(event))
            return answer["Result"]

        yield ask


@pytest.mark.parametrize("reason", [*PUT, MOVED])
def test_a_campaign_in_the_outbox_starts_the_producer(matches, reason):
    assert [key for key in STARTS if not matches(created(key, reason))] == []


@pytest.mark.parametrize("reason", PUT)
def test_what_is_put_elsewhere_or_is_no_campaign_starts_nothing(matches, reason):
    assert [key for key in OUTSIDE if matches(created(key, reason))] == []


def test_what_the_producer_itself_writes_and_moves_starts_nothing(matches):
    assert [key for key in SETTLED if matches(created(key, MOVED))] == []
    assert not matches(created("outbox/failed/xmas.json.reason.txt"))
    deleted = created("outbox/xmas.json", **{"detail-type": "Object Deleted"})
    assert not matches(deleted)


def test_what_the_pattern_cannot_leave_out_is_known(matches):
    """EventBridge has no "and" for one field. The producer ignores these, as its tests show."""
    assert all(matches(created(key, "PutObject")) for key in SETTLED)
    assert all(matches(created(key, MOVED)) for key in OUTSIDE)


def test_events_of_others_start_nothing(matches):
    assert not matches(created("outbox/xmas.json", bucket="others"))
    assert not matches(created("outbox/xmas.json", source="aws.glue"))
    assert not matches({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
