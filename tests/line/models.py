"""LINE's OpenAPI description of its API, as the models of LINE's own SDK hold it.

https://github.com/line/line-openapi has the description. No package carries it, but the SDK's
models are generated from it: fields, types, which are required, values, and longest lengths.
"""

import json

from linebot.v3 import insight, messaging, oauth

from world import ROOT

Message = messaging.Message
# What is asked and what is answered, by method and path. `None`: no body, or an empty object.
ENDPOINTS = {
    "POST /v2/bot/message/push": (messaging.PushMessageRequest, messaging.PushMessageResponse),
    "POST /v2/bot/message/multicast": (messaging.MulticastRequest, None),
    **{
        f"POST /v2/bot/message/validate/{kind}": (messaging.ValidateMessageRequest, None)
        for kind in ("push", "multicast", "narrowcast", "broadcast", "reply")
    },
    "GET /v2/bot/message/quota": (None, messaging.MessageQuotaResponse),
    "GET /v2/bot/message/quota/consumption": (None, messaging.QuotaConsumptionResponse),
    "GET /v2/bot/info": (None, messaging.BotInfoResponse),
    "GET /v2/bot/followers/ids": (None, messaging.GetFollowersResponse),
    "GET /v2/bot/message/delivery/push": (None, messaging.NumberOfMessagesResponse),
    "GET /v2/bot/message/delivery/multicast": (None, messaging.NumberOfMessagesResponse),
    "GET /v2/bot/message/aggregation/info": (None, messaging.GetAggregationUnitUsageResponse),
    "GET /v2/bot/message/aggregation/list": (None, messaging.GetAggregationUnitNameListResponse),
    "GET /v2/bot/insight/followers": (None, insight.GetNumberOfFollowersResponse),
    "GET /v2/bot/insight/message/delivery": (None, insight.GetNumberOfMessageDeliveriesResponse),
    "GET /v2/bot/insight/message/event/aggregation": (None, insight.GetStatisticsPerUnitResponse),
    # Their requests are forms, which the description has no model of.
    "POST /oauth2/v3/token": (None, oauth.IssueStatelessChannelAccessTokenResponse),
    "POST /oauth2/v2.1/token": (None, oauth.IssueChannelAccessTokenResponse),
    "POST /v2/oauth/accessToken": (None, oauth.IssueShortLivedChannelAccessTokenResponse),
    "POST /v2/oauth/revoke": (None, None),
}


def complaints_of(model, body):
    """What the model finds wrong with a JSON body: nothing, where the body is as described."""
    if model is None:
        return [] if body in (None, {}) else [f"{body} should be empty"]
    try:
        read = model.from_dict(body)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        return [f"{model.__name__}: {error}"]
    if read is None:
        return [f"{model.__name__}: {body} is not one"]
    return [f"{model.__name__}: no field {path}" for path in lost(body, read.to_dict())]


def lost(body, read, path=""):
    """The places of a body that its model has not kept: it has no such fields."""
    if isinstance(body, dict) and isinstance(read, dict):
        for name, value in body.items():
            # A model leaves out what is `null`.
            if value is not None:
                yield from lost(value, read.get(name), f"{path}/{name}")
    elif isinstance(body, list) and isinstance(read, list) and len(body) == len(read):
        for number, (value, kept) in enumerate(zip(body, read, strict=True)):
            yield from lost(value, kept, f"{path}/{number}")
    elif body != read:
        yield path


def error_model(path):
    """The form of an error at this path."""
    if "/oauth" in path:
        return oauth.ErrorResponse
    return insight.ErrorResponse if "/insight/" in path else messaging.ErrorResponse


def good_messages():
    """A message of each type with every field that LINE documents, by name."""
    path = ROOT / "core" / "tests" / "it" / "line_messages" / "good.json"
    return json.loads(path.read_text())
