"""The template and the functions name things alike."""

import re
from pathlib import Path

import pytest

import checks
from expand import expand

ROOT = Path(__file__).parents[2]
TEMPLATE = expand(ROOT / "template.yaml")


def sources(crate):
    return "\n".join(path.read_text() for path in (ROOT / crate / "src").rglob("*.rs"))


@pytest.mark.parametrize(("function", "crate"), [("Producer", "producer"), ("Consumer", "consumer")])
def test_each_setting_is_one_that_the_function_reads(function, crate):
    # `AWS_…` is for the SDK.
    settings = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    read = sources(crate)
    assert [name for name in settings if not name.startswith("AWS_") and f'"{name}"' not in read] == []


def test_each_metric_is_one_that_a_function_writes():
    dashboard = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = {(name, crate.lower()) for name, crate in re.findall(r'\["fanline", "(\w+)", "FunctionName", "\$\{(\w+)\}"', dashboard)}
    rung = {
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"]["Ref"].lower())
        for alarm in checks.of_type(TEMPLATE, "AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "fanline"
    }
    assert len(shown | rung) > 10
    assert [(name, crate) for name, crate in shown | rung if f'"{name}"' not in sources(crate)] == []
