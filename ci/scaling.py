"""Simulates the scaling rule of templates/worker.yaml against backlogs, and draws it.

    scaling.py OUT.svg

The rule's numbers are read from the template. What AWS does with them is modelled as it is seen:
SQS's metrics are a minute late, target tracking scales out after three minutes above its target and
in after fifteen minutes under nine tenths of it, an alarm acts on its minute, and an instance takes
two minutes to work. AWS does not promise these times.
"""

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "templates" / "worker.yaml"

# LINE takes so many pushes a second on a channel, whoever sends them.
LINE_LIMIT = 2_000
# 40 batches of ten, where LINE answers in 150 ms: docs/operating.md, "The pace".
WORKER_PACE = 2_000
# A newcomer's part of the pace comes when the others have made room: docs/workers.md.
LEASE_MINUTES = 0.1
METRIC_DELAY = 1
START_MINUTES = 2
OUT_MINUTES = 3
IN_MINUTES = 15
IN_SHARE = 0.9


@dataclass
class Rule:
    """What the template says."""

    target: float
    least: int
    most: int
    idle_minutes: int
    first_minutes: int


@dataclass
class Course:
    """What happened, minute by minute."""

    backlog: list = field(default_factory=list)
    desired: list = field(default_factory=list)
    working: list = field(default_factory=list)
    sent: list = field(default_factory=list)


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


def plain(loader, _suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", plain)


def rule(**changed):
    """The template's rule, with its defaults."""
    template = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)
    resources = template["Resources"]

    def default(name):
        return template["Parameters"][name]["Default"]

    def minutes(alarm):
        return resources[alarm]["Properties"]["EvaluationPeriods"]

    values = {
        "target": default("BacklogPerWorker"),
        "least": default("MinWorkers"),
        "most": default("MaxWorkers"),
        "idle_minutes": minutes("IdleAlarm"),
        "first_minutes": minutes("FirstAlarm"),
    }
    return Rule(**(values | changed))


def simulate(arrivals, given, minutes, deaths=()):
    """Runs the rule for so many minutes. `arrivals`: minute to deliveries. `deaths`: minutes in
    which a worker dies."""
    course, backlog, desired = Course(), 0.0, given.least
    # When each worker begins to work.
    workers = [0.0] * given.least
    metrics = []
    for minute in range(minutes):
        backlog += arrivals.get(minute, 0)
        if minute in deaths and workers:
            workers.pop(0)
        working = sum(1 for begins in workers if begins <= minute)
        new = any(minute - 1 < begins <= minute for begins in workers)
        seconds = 60 * (1 - (LEASE_MINUTES if new else 0))
        sent = min(backlog, min(LINE_LIMIT, working * WORKER_PACE) * seconds)
        # The metric is the highest of its minute.
        metrics.append((backlog, working))
        backlog -= sent
        desired = decide(given, desired, metrics[: len(metrics) - METRIC_DELAY])
        while len(workers) < desired:
            workers.append(minute + START_MINUTES)
        # The group ends a worker after it has finished what it has in hand.
        del workers[desired:]
        course.backlog.append(backlog)
        course.desired.append(desired)
        course.working.append(working)
        course.sent.append(sent)
    return course


def decide(given, desired, metrics):
    """How many workers there are to be, from the metrics of the minutes before."""

    def last(minutes, holds):
        return len(metrics) >= minutes and all(holds(*one) for one in metrics[-minutes:])

    if last(given.first_minutes, lambda backlog, working: backlog > 0 and working < 1):
        desired = max(desired, 1)
    if last(given.idle_minutes, lambda backlog, working: backlog < 1 and working > 0):
        return given.least
    per = [backlog / max(working, 1) for backlog, working in metrics]
    if len(per) >= OUT_MINUTES and min(per[-OUT_MINUTES:]) > given.target and desired > 0:
        desired = max(desired, math.ceil(desired * per[-1] / given.target))
    if len(per) >= IN_MINUTES and max(per[-IN_MINUTES:]) < IN_SHARE * given.target and desired > 1:
        desired = max(1, math.ceil(desired * per[-1] / given.target))
    return min(max(desired, given.least), given.most)


# A million at once, then a small campaign, then three millions over half an hour.
CURVE = {5: 1_000_000, 45: 20_000} | {minute: 100_000 for minute in range(80, 110)}
MINUTES = 150
DEATH = 90


def draw(course, given, arrivals):
    """The backlog above, the workers below, as SVG."""
    width, height, left, top = 900, 150, 70, 40
    step = width / MINUTES
    highest = max(course.backlog)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 470" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Backlog and workers of a simulated day</title>",
        '<rect width="1000" height="470" fill="#fff"/>',
    ]

    def line(values, most, y, colour, dash=""):
        points = []
        for minute, value in enumerate(values):
            at = y + height - height * value / most
            points.append(f"{left + minute * step:.1f},{at:.1f}")
            points.append(f"{left + (minute + 1) * step:.1f},{at:.1f}")
        style = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2"{style} '
            f'points="{" ".join(points)}"/>'
        )

    def frame(y, title, most, unit):
        parts.append(f'<text x="{left}" y="{y - 8}" font-weight="bold">{title}</text>')
        parts.append(
            f'<rect x="{left}" y="{y}" width="{width}" height="{height}" fill="none" '
            'stroke="#ccc"/>'
        )
        for share in (0, 0.5, 1):
            at = y + height - height * share
            parts.append(
                f'<text x="{left - 6}" y="{at + 4:.0f}" text-anchor="end">'
                f"{unit(most * share)}</text>"
            )

    second = top + height + 50
    frame(top, "Deliveries that wait", highest, lambda value: f"{value / 1000:,.0f}k")
    line(course.backlog, highest, top, "#06c755")
    target = top + height - height * min(1, given.target / highest)
    parts.append(
        f'<line x1="{left}" x2="{left + width}" y1="{target:.1f}" y2="{target:.1f}" '
        'stroke="#888" stroke-dasharray="4 4"/>'
        f'<text x="{left + width - 4}" y="{target - 5:.1f}" text-anchor="end" fill="#666">'
        f"{given.target:,} for each worker</text>"
    )
    most = given.most + 1
    frame(second, "Workers: wanted (dashed) and at work", most, lambda value: f"{value:.1f}")
    line(course.desired, most, second, "#888", "5 4")
    line(course.working, most, second, "#0b57d0")
    at = left + DEATH * step
    parts.append(
        f'<text x="{at:.0f}" y="{second + 16}" text-anchor="middle" fill="#b3261e">'
        f"one dies</text>"
        f'<line x1="{at:.0f}" x2="{at:.0f}" y1="{second + 20}" y2="{second + height}" '
        'stroke="#b3261e" stroke-dasharray="2 3"/>'
    )
    for minute in range(0, MINUTES + 1, 15):
        parts.append(
            f'<text x="{left + minute * step:.0f}" y="{second + height + 18}" '
            f'text-anchor="middle">{minute}</text>'
        )
    parts.append(
        f'<text x="{left + width / 2:.0f}" y="{second + height + 38}" '
        f'text-anchor="middle">minutes; {sum(arrivals.values()):,} deliveries</text></svg>'
    )
    return "\n".join(parts) + "\n"


def picture():
    given = rule()
    return draw(simulate(CURVE, given, MINUTES, {DEATH}), given, CURVE)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(), encoding="utf-8")
