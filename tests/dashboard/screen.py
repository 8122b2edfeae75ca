"""Ledgers with runs, and the dashboards that show them."""

import json
import re
import shutil
import subprocess
import urllib.parse
from pathlib import Path

from world import FANLINE, Process, Simulated, call

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
USER_ID = re.compile(r"U[0-9a-f]{32}")
# A name and a word that would run, were they not text.
MARKUP = "<img/src=x/onerror=hacked()>\"'&amp;"
SCRIPT = "<script>window.hacked = true</script>"


def write_campaign(folder, run, people):
    """A campaign to so many people, and one row that can't be sent."""
    rows = [f"U{number:032x},name {number}" for number in range(people)]
    (folder / f"{run}.csv").write_text("\n".join(["to,name", *rows, "nobody,x", ""]))
    campaign = {
        "campaign": run,
        "channel": "line",
        "recipients": f"{run}.csv",
        "max_bad_rows": 1,
        "messages": [{"type": "text", "text": "hello {{ name }}"}],
    }
    (folder / f"{run}.json").write_text(json.dumps(campaign))


def ended_ledger(folder):
    """The folder of a ledger with a run that has ended, and one whose name is markup."""
    write_campaign(folder, "ended", 40)
    ledger = folder / "ledger-of-ended-runs"
    command = [FANLINE, "run", "ended.json", "--at", ledger]
    subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=120)
    record = json.loads((ledger / "ledger" / "ended" / "run.json").read_text())
    hostile = ledger / "ledger" / urllib.parse.quote(MARKUP, safe="")
    hostile.mkdir()
    (hostile / "run.json").write_text(json.dumps(record | {"run": MARKUP}))
    path = ledger / "control" / "control.json"
    control = json.loads(path.read_text())
    entry = {"state": "paused", "mode": "wait", "by": SCRIPT, "why": SCRIPT}
    control["runs"][MARKUP] = entry | {
        name: control["runs"]["ended"][name] for name in ("started_at", "since")
    }
    path.write_text(json.dumps(control))
    return ledger


class Dashboard(Process):
    """`fanline dashboard` of a ledger."""

    def __init__(self, ledger):
        super().__init__([FANLINE, "dashboard", "--at", ledger])
        self.address = self.wait_until(lambda: address_in(self.log()))
        self.url = self.address.partition("/?")[0]


class LiveRun(Process):
    """`fanline run --live --dashboard` to a simulated LINE, for some ten seconds."""

    def __init__(self, folder, people):
        write_campaign(folder, "coupon", people)
        self.line = Simulated("line")
        super().__init__(
            [
                *[FANLINE, "run", folder / "coupon.json", "--live", "--yes", "--dashboard"],
                *["--at", folder / "ledger"],
            ],
            LINE_API_BASE=self.line.url,
            LINE_CHANNEL_ACCESS_TOKEN="test",
        )
        self.address = self.wait_until(lambda: address_in(self.log()))

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.line.__exit__()

    def accepted(self):
        """How many people the simulated LINE has accepted."""
        return call("GET", f"{self.line.url}/_ledger")["accepted_recipients"]


def address_in(log):
    said = re.search(r"dashboard: (http://127\.0\.0\.1:\d+/\S+)", log)
    return said and said[1]


def complaints_of(context):
    """What the browser complains about from now on: errors, and what the policy stops."""
    complaints = []
    is_bad = {"error", "warning"}
    context.on("console", lambda said: said.type in is_bad and complaints.append(said.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    return complaints


def screenshots():
    """Where the pictures are kept, to be looked at."""
    folder = Path(FANLINE).parents[1] / "dashboard-screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
