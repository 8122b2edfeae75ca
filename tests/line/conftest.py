"""The simulated LINE behind a proxy, and LINE's own SDK as its client."""

import contextlib
import json
import urllib.error
import urllib.request

import pytest
from linebot.v3 import insight, messaging, oauth

from proxy import Proxy
from world import Simulated, call


class Line:
    """A simulated LINE. `url` is the proxy's, so that everything that passes is looked at."""

    def __init__(self, simulated, proxy):
        self.simulated = simulated.url
        self.proxy = proxy
        self.url = proxy.url

    def change(self, **options):
        changed = call("PUT", f"{self.simulated}/_options", options)
        assert "message" not in changed, changed

    def advance(self, days):
        call("POST", f"{self.simulated}/_clock", {"advance_seconds": days * 24 * 60 * 60})

    def now(self):
        return call("POST", f"{self.simulated}/_clock", {"advance_seconds": 0})["now"]

    def takes(self, endpoint, body):
        """Whether LINE takes a request that the SDK's models might not let through."""
        request = urllib.request.Request(
            f"{self.url}/v2/bot/message/{endpoint}",
            data=json.dumps(body).encode(),
            headers={"Authorization": "Bearer test", "Content-Type": "application/json"},
        )
        try:
            return urllib.request.urlopen(request, timeout=60).status == 200
        except urllib.error.HTTPError as refusal:
            return refusal.code != 400

    def api(self, package=messaging, token="test"):
        """A client of LINE's SDK."""
        configuration = package.Configuration(host=self.url, access_token=token)
        api = {messaging: "MessagingApi", insight: "Insight", oauth: "ChannelAccessToken"}[package]
        return getattr(package, api)(package.ApiClient(configuration))


@pytest.fixture
def line():
    with contextlib.ExitStack() as stack:
        simulated = stack.enter_context(Simulated("line"))
        proxy = stack.enter_context(Proxy(simulated.url))
        yield Line(simulated, proxy)
        assert proxy.exchanges
        assert proxy.complaints() == []
