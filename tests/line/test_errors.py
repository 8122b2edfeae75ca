"""What the simulated LINE refuses, it refuses as LINE describes: status, body, headers."""

import uuid

import pytest
from linebot.v3 import insight, messaging, oauth

from models import complaints_of
from sdk import BY_JWT, UNIT, day, multicast, push

PUSH = "POST /v2/bot/message/push"
MULTICAST = "POST /v2/bot/message/multicast"


def refused(status, call, *args, **options):
    """The body of an answer with this status."""
    with pytest.raises(messaging.ApiException) as refusal:
        call(*args, **options)
    assert refusal.value.status == status, refusal.value.body
    return messaging.ErrorResponse.from_json(refusal.value.body)


def test_the_models_find_what_is_wrong():
    good = {"message": "m", "details": [{"message": "d", "property": "p"}]}
    assert complaints_of(messaging.ErrorResponse, good) == []
    for body, complaint in [
        ({}, "none is not an allowed value"),
        ({"message": 5}, "str type expected"),
        (good | {"detail": []}, "no field /detail"),
        ({"message": "m", "details": [{"field": "p"}]}, "no field /details/0/field"),
        (None, "is not one"),
    ]:
        assert complaint in " ".join(complaints_of(messaging.ErrorResponse, body)), body


@pytest.mark.parametrize("kind", ["push", "multicast"])
def test_what_is_accepted_is_a_409_the_next_time(line, kind):
    send, key = {"push": push, "multicast": multicast}[kind], str(uuid.uuid4())
    first = send(line, key)
    again = refused(409, send, line, key)
    asked = line.proxy.exchanges
    assert asked[1].headers["x-line-accepted-request-id"] == asked[0].headers["x-line-request-id"]
    assert asked[1].headers["x-line-request-id"] != asked[0].headers["x-line-request-id"]
    if kind == "push":
        assert again.sent_messages == first.data.sent_messages
    else:
        assert again.sent_messages is None


def test_a_bad_request_names_each_detail(line):
    text = messaging.TextMessage(text="")
    image = messaging.ImageMessage(original_content_url="http://example.com/", preview_image_url="")
    request = messaging.ValidateMessageRequest(messages=[text, image])
    for send in (
        lambda: line.api().validate_push(request),
        lambda: push(line, messages=request.messages),
        lambda: multicast(line, messages=request.messages),
    ):
        found = refused(400, send)
        assert len(found.details) == 3
        assert found.message == "The request body has 3 error(s)"


def test_every_other_bad_request_has_a_message_alone(line):
    line.change(unknown=["U" + "0" * 32])
    api = line.api()
    for send in (
        lambda: push(line, to="nobody"),
        lambda: push(line, to="U" + "0" * 32),
        lambda: multicast(line, to=["C" + "0" * 32]),
        lambda: multicast(line, retry_key="no-uuid"),
        lambda: api.get_followers(start="nowhere"),
        lambda: api.get_aggregation_unit_name_list(limit="1001"),
        lambda: api.get_number_of_sent_push_messages("2026-12-25"),
    ):
        assert refused(400, send).details is None
    for send in (
        lambda: line.api(insight).get_number_of_message_deliveries("20261399"),
        lambda: line.api(insight).get_statistics_per_unit(UNIT, "20260101", "20260301"),
    ):
        with pytest.raises(insight.ApiException) as refusal:
            send()
        assert refusal.value.status == 400


def test_a_token_that_is_not_valid_is_a_401_everywhere(line):
    line.change(revoked=["test"])
    api = line.api()
    for send in (
        lambda: push(line),
        lambda: multicast(line),
        api.get_bot_info,
        api.get_message_quota,
        api.get_message_quota_consumption,
        api.get_followers,
        api.get_aggregation_unit_usage,
    ):
        refused(401, send)


def test_what_is_over_a_limit_is_a_429(line):
    line.change(monthly_quota=30)
    multicast(line)
    assert "monthly limit" in refused(429, push, line).message
    # A fault: the real limit would need 2,000 requests.
    line.change(monthly_quota=None, faults={"rates": {"rate-limit": 1.0}})
    assert "rate limit" in refused(429, push, line).message
    assert "rate limit" in refused(429, multicast, line).message
    assert line.proxy.statuses(PUSH) == [429, 429]
    assert line.proxy.statuses(MULTICAST) == [200, 429]


def test_statistics_have_a_limit_an_hour(line):
    today, numbers = day(line), line.api(insight)
    for _ in range(60):
        numbers.get_statistics_per_unit(UNIT, today, today)
    with pytest.raises(insight.ApiException) as refusal:
        numbers.get_statistics_per_unit(UNIT, today, today)
    assert refusal.value.status == 429


def test_only_a_verified_account_gets_the_ids_of_its_friends(line):
    line.change(verified=False)
    refused(403, line.api().get_followers)


def test_a_token_is_refused_as_oauth_does(line):
    api = line.api(oauth)
    for ask in (
        lambda: api.issue_channel_token("password", "1", "s"),
        lambda: api.issue_channel_token_by_jwt("client_credentials", BY_JWT, ""),
        lambda: api.issue_stateless_channel_token("client_credentials"),
    ):
        with pytest.raises(oauth.ApiException) as refusal:
            ask()
        assert refusal.value.status == 400
