"""Message objects: what fanline sends is as LINE describes it, and what LINE's models refuse, the
simulated LINE refuses."""

import copy
import json
import subprocess

import pytest
from linebot.v3 import messaging
from pydantic.v1 import BaseModel

from models import Message, complaints_of, good_messages
from sdk import USER
from world import FANLINE, ROOT, call, without_aws

# The campaigns of `events/` for the Messaging API whose lists are on this machine.
CAMPAIGNS = ["campaign.json", "one-text.json", "inline.json"]


def fanline(line, *args, code=0, cwd=ROOT / "events"):
    """What the command prints as JSON, with a token for this LINE."""
    done = subprocess.run(
        [FANLINE, *args],
        cwd=cwd,
        env=without_aws({"LINE_API_BASE": line.url, "LINE_CHANNEL_ACCESS_TOKEN": "test"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_what_fanline_asks_line_for_a_campaign_is_as_described(line, tmp_path, campaign):
    """The proxy looks at each request and each answer."""
    fanline(line, "check", campaign, "--live")
    fanline(line, "plan", campaign)
    fanline(line, "run", campaign, "--live", "--yes", "--at", tmp_path)
    sent = line.proxy.statuses("POST /v2/bot/message/push")
    sent += line.proxy.statuses("POST /v2/bot/message/multicast")
    assert sent
    assert set(sent) == {200}


@pytest.mark.parametrize("first", range(0, len(good_messages()), 5))
def test_messages_of_each_type_are_sent_as_described(line, tmp_path, first):
    messages = list(good_messages().values())[first : first + 5]
    campaign = {
        "campaign": "each-type",
        "channel": "line",
        "statistics": True,
        "notification_disabled": True,
        "recipients": [{"to": USER}, {"to": "C" + USER[1:]}],
        # For a template, two braces begin a value.
        "messages": json.loads(json.dumps(messages).replace("{{", "{{ '{{' }}")),
    }
    (tmp_path / "campaign.json").write_text(json.dumps(campaign))
    command = ["run", "campaign.json", "--live", "--yes", "--at", "ledger"]
    fanline(line, *command, cwd=tmp_path)
    got = call("GET", f"{line.simulated}/_ledger/recipients/{USER}")
    assert json.loads(got[0]["messages"]) == messages
    fanline(line, "stats", "each-type", "--at", "ledger", cwd=tmp_path)


def subclass(model, value):
    """The model of an object: a model of its `type`, where there are several."""
    find = getattr(model, "get_discriminator_value", None)
    name = find and value.get("type") and find(value)
    return getattr(messaging, name) if name else model


def objects(model, value, path=()):
    """Each object within a value, with its model and its path."""
    model = subclass(model, value)
    yield model, value, path
    for field in model.__fields__.values():
        inner = value.get(field.alias)
        if not (isinstance(field.type_, type) and issubclass(field.type_, BaseModel)):
            continue
        if field.outer_type_ is field.type_:
            items = [((field.alias,), inner)]
        elif isinstance(inner, dict):
            items = [((field.alias, key), item) for key, item in inner.items()]
        else:
            items = [((field.alias, at), item) for at, item in enumerate(inner or [])]
        for more, item in items:
            if isinstance(item, dict):
                yield from objects(field.type_, item, (*path, *more))


def spoiled(field, value):
    """Values for a field that its model may refuse, and what is wrong with them."""
    info = field.field_info
    is_list = isinstance(value, list)
    limits = field.type_ if not is_list else field.outer_type_
    longest = getattr(limits, "max_length", None) or info.max_length
    most = getattr(limits, "max_items", None) or info.max_items
    if field.required:
        yield "missing", None
    if isinstance(value, str):
        yield "value", "no such value"
        yield "type", 5
        if longest:
            yield "length", "x" * (longest + 1)
    elif isinstance(value, bool):
        yield "type", "yes"
    elif isinstance(value, int | float):
        yield "type", "5"
    elif is_list:
        yield "type", {}
        if most:
            yield "items", value * (most + 1)
    elif isinstance(value, dict):
        yield "type", []
    for name in ("le", "ge"):
        bound = getattr(limits, name, None)
        if bound is not None:
            yield name, bound + (1 if name == "le" else -1)


def mutants(root, name, good):
    """A good object with one thing wrong that LINE's models refuse, for each such thing."""
    for model, value, path in objects(root, good):
        for field in model.__fields__.values():
            if field.alias not in value:
                continue
            for kind, bad in spoiled(field, value[field.alias]):
                mutant = copy.deepcopy(good)
                place = mutant
                for step in path:
                    place = place[step]
                if bad is None:
                    del place[field.alias]
                else:
                    place[field.alias] = bad
                if complaints_of(root, mutant):
                    where = "/".join(map(str, (name, *path, field.alias)))
                    yield f"{where}: {kind}", mutant


def test_what_lines_models_refuse_the_simulated_line_refuses(line):
    accepted, count = [], 0
    for name, message in good_messages().items():
        for what, mutant in mutants(Message, name, message):
            count += 1
            if line.takes("validate/push", {"messages": [mutant]}):
                accepted.append(what)
    assert count > 500
    assert accepted == []


@pytest.mark.parametrize("kind", ["push", "multicast"])
def test_a_request_that_lines_models_refuse_the_simulated_line_refuses(line, kind):
    model = {"push": messaging.PushMessageRequest, "multicast": messaging.MulticastRequest}[kind]
    good = {
        "to": USER if kind == "push" else [USER],
        "messages": [{"type": "text", "text": "a"}],
        "notificationDisabled": True,
        "customAggregationUnits": ["unit"],
    }
    assert line.takes(kind, good)
    refused = dict(mutants(model, kind, good))
    for what in ("to: missing", "messages: missing", "messages: items", "messages: type"):
        assert f"{kind}/{what}" in refused
    assert [what for what, mutant in refused.items() if line.takes(kind, mutant)] == []


def test_every_message_of_the_models_is_tried():
    map_of = next(
        v for k, v in vars(Message).items() if k.endswith("discriminator_value_class_map")
    )
    assert {message["type"] for message in good_messages().values()} == set(map_of)
