"""The template and the functions use the same names."""

import json
import re
import tomllib
from pathlib import Path

import pytest

import checks
from expand import expand

ROOT = Path(__file__).parents[2]
TEMPLATE = expand(ROOT / "template.yaml")


def sources(crate):
    return "\n".join(path.read_text() for path in (ROOT / crate / "src").rglob("*.rs"))


@pytest.mark.parametrize(
    ("function", "crate"),
    [("Producer", "producer"), ("Consumer", "consumer"), ("Bookkeeper", "bookkeeper")],
)
def test_each_setting_is_one_that_the_function_reads(function, crate):
    # The SDK reads `AWS_…`.
    settings = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    read = sources(crate)
    own = [name for name in settings if not name.startswith("AWS_")]
    assert [name for name in own if f'"{name}"' not in read] == []


def test_each_metric_is_one_that_the_function_writes():
    body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    dashboard = json.loads(re.sub(r"\$\{(\w+)[^}]*\}", r"\1", body))
    metrics = [
        metric for widget in dashboard["widgets"] for metric in widget["properties"]["metrics"]
    ]
    shown = {(metric[1], metric[3].lower()) for metric in metrics if metric[0] == "fanline"}
    for metric in metrics:
        if isinstance(metric[0], dict) and "AWS/SQS" not in metric[0]["expression"]:
            name = re.search(r'function="(\w+)" MetricName="(\w+)"', metric[0]["expression"])
            shown.add((name[2], name[1].lower()))
    alarms = checks.of_type(TEMPLATE, "AWS::CloudWatch::Alarm").values()
    watched = {
        (stat["MetricName"], crate(stat["Dimensions"][0]["Value"]))
        for alarm in alarms
        for stat in (
            metric["MetricStat"]["Metric"]
            for metric in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}])
            if "MetricStat" in metric
        )
        if stat["Namespace"] == "fanline"
    }
    assert len(shown) > 15
    assert len(watched) == 16
    # The code puts `pace_` before an endpoint's name. The names of outcomes are in core.
    crates = ("producer", "consumer", "bookkeeper")
    written = {crate: sources(crate) + sources("core") for crate in crates}
    assert [
        (name, crate)
        for name, crate in shown | watched
        if f'"{name}"' not in written[crate] and not name.startswith("pace_")
    ] == []


def crate(function):
    """The crate of the function that a dimension names."""
    name = checks.target(function)
    return "bookkeeper" if name == checks.BOOKKEEPER else name.lower()


def test_the_plan_knows_how_many_consumers_the_template_allows():
    code = (ROOT / "cli" / "src" / "commands" / "plan" / "estimate.rs").read_text()
    for function, key in (("max_consumers", "MaxValue"), ("usual_consumers", "Default")):
        numbers = code.split(f"fn {function}(")[1].split("\n}\n")[0]
        for lane, name in (("Bulk", "MaximumConcurrency"), ("Urgent", "UrgentConcurrency")):
            (number,) = re.findall(rf"Lane::{lane} => (\d+)", numbers)
            assert int(number) == TEMPLATE["Parameters"][name][key], (function, lane)


def test_a_worker_knows_how_long_a_batch_of_the_consumer_takes():
    code = (ROOT / "cli" / "src" / "commands" / "worker.rs").read_text()
    (seconds,) = re.findall(r"const TIMEOUT: \w+ = SignedDuration::from_secs\((\d+)\)", code)
    assert int(seconds) == TEMPLATE["Resources"]["Consumer"]["Properties"]["Timeout"]


def test_the_runbook_has_every_alarm():
    text = (ROOT / "docs" / "operating.md").read_text()
    (table,) = re.findall(r"^## Alarms\n(.*?)^## ", text, re.M | re.S)
    explained = re.findall(r"^\| `(\w+)` \|", table, re.M)
    alarms = checks.of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
    assert sorted(explained) == sorted(name.removesuffix("Alarm") for name in alarms)


def test_the_repository_would_show_the_version_that_is_built():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    application = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    assert application["SemanticVersion"] == workspace["version"]
    assert application["SpdxLicenseId"] in workspace["license"]
    for file in ("LicenseUrl", "ReadmeUrl"):
        assert (ROOT / application[file]).is_file()
