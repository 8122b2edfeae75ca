"""Short forms of calls of LINE's SDK that several tests need."""

from linebot.v3 import messaging

USER = "U4af4980629f0c1d2e3f4a5b6c7d8e9fa"
UNIT = "fan_1"
TEXT = messaging.TextMessage(text="早安")
BY_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def push(line, retry_key=None, token="test", **more):
    request = messaging.PushMessageRequest(**{"to": USER, "messages": [TEXT]} | more)
    return line.api(token=token).push_message_with_http_info(request, retry_key)


def multicast(line, retry_key=None, people=30, **more):
    to = [f"U{number:032x}" for number in range(people)]
    request = messaging.MulticastRequest(**{"to": to, "messages": [TEXT]} | more)
    return line.api().multicast_with_http_info(request, retry_key)


def day(line):
    """The day of the simulated LINE in its own time zone, or one before it."""
    return line.now()[:10].replace("-", "")
