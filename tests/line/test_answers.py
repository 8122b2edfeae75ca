"""Every endpoint of the simulated LINE is asked with LINE's SDK, and answers as LINE describes."""

import re

import pytest
from linebot.v3 import insight, messaging, oauth

from models import ENDPOINTS
from sdk import BY_JWT, TEXT, UNIT, USER, day, multicast, push
from world import ROOT

# LINE ended LINE Notify. No SDK and no description of it is left.
UNDESCRIBED = {"POST /api/notify", "GET /api/status", "POST /api/revoke"}


def validate(kind):
    request = messaging.ValidateMessageRequest(messages=[TEXT])
    return lambda line: getattr(line.api(), f"validate_{kind}")(request)


def deliveries(line):
    """The counts of a day that is over, and of one that is not."""
    push(line)
    multicast(line)
    sent = day(line)
    api, numbers = line.api(), line.api(insight)
    api.get_number_of_sent_push_messages(sent)
    line.advance(days=2)
    assert api.get_number_of_sent_push_messages(sent).status == "ready"
    assert api.get_number_of_sent_multicast_messages(sent).status == "ready"
    assert numbers.get_number_of_message_deliveries(sent).status == "ready"


def quotas(line):
    api = line.api()
    assert api.get_message_quota().type == "none"
    line.change(monthly_quota=1000)
    assert api.get_message_quota().value == 1000


def followers(line):
    line.change(friends=[f"U{number:032x}" for number in range(1001)])
    first = line.api().get_followers(limit=1000)
    assert len(first.user_ids) == 1000
    last = line.api().get_followers(limit=1000, start=first.next)
    assert len(last.user_ids) == 1
    assert last.next is None


def counted_followers(line):
    line.change(friends=[USER], blocked=["U" + "f" * 32])
    assert line.api(insight).get_number_of_followers().followers == 1
    assert line.api(insight).get_number_of_followers("20990101").status == "unready"


def statistics(line):
    """Of a unit that enough people opened, of one that too few did, and of one that is not."""
    multicast(line, people=100, custom_aggregation_units=[UNIT])
    push(line, custom_aggregation_units=["fan_2"])
    today = day(line)
    opened = line.api(insight).get_statistics_per_unit(UNIT, today, today[:6] + "28")
    assert opened.overview.unique_impression
    line.api(insight).get_statistics_per_unit("fan_2", today, today)
    line.api(insight).get_statistics_per_unit("fan_3", today, today)


def units(line):
    push(line, custom_aggregation_units=[UNIT])
    assert line.api().get_aggregation_unit_usage().num_of_custom_aggregation_units == 1
    assert line.api().get_aggregation_unit_name_list().custom_aggregation_units == [UNIT]


def tokens(line):
    api = line.api(oauth)
    api.issue_stateless_channel_token("client_credentials", client_id="1", client_secret="s")
    api.issue_channel_token_by_jwt("client_credentials", BY_JWT, "jwt")
    issued = api.issue_channel_token("client_credentials", "1", "s")
    push(line, token=issued.access_token)
    api.revoke_channel_token(issued.access_token)


CALLS = {
    "POST /v2/bot/message/push": push,
    "POST /v2/bot/message/multicast": multicast,
    **{
        f"POST /v2/bot/message/validate/{kind}": validate(kind)
        for kind in ("push", "multicast", "narrowcast", "broadcast", "reply")
    },
    "GET /v2/bot/message/quota": quotas,
    "GET /v2/bot/message/quota/consumption": lambda line: (
        line.api().get_message_quota_consumption()
    ),
    "GET /v2/bot/info": lambda line: line.api().get_bot_info(),
    "GET /v2/bot/followers/ids": followers,
    "GET /v2/bot/message/delivery/push": deliveries,
    "GET /v2/bot/message/delivery/multicast": deliveries,
    "GET /v2/bot/message/aggregation/info": units,
    "GET /v2/bot/message/aggregation/list": units,
    "GET /v2/bot/insight/followers": counted_followers,
    "GET /v2/bot/insight/message/delivery": deliveries,
    "GET /v2/bot/insight/message/event/aggregation": statistics,
    "POST /oauth2/v3/token": tokens,
    "POST /oauth2/v2.1/token": tokens,
    "POST /v2/oauth/accessToken": tokens,
    "POST /v2/oauth/revoke": tokens,
}


@pytest.mark.parametrize("endpoint", CALLS)
def test_an_endpoint_answers_as_line_describes(line, endpoint):
    CALLS[endpoint](line)
    # The fixture `line` has looked at each answer when the test is over.
    assert 200 in line.proxy.statuses(endpoint)
    assert all(one.endpoint() in ENDPOINTS for one in line.proxy.exchanges)


def test_every_endpoint_is_asked():
    source = (ROOT / "local" / "src" / "line" / "endpoint.rs").read_text()
    arms = re.findall(r'((?:"/\S+"[\s|]*)+)=> \(Method::(\w+),', source)
    answered = {
        f"{method} {path}" for paths, method in arms for path in re.findall(r'"(.+?)"', paths)
    }
    assert answered - UNDESCRIBED == set(CALLS) == set(ENDPOINTS)
