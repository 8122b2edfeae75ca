"""Starts MiniStack with what AWS does and MiniStack does not.

MiniStack has an environment of its own, and this file runs there.
"""

from contextvars import ContextVar
from datetime import UTC, datetime

import samtranslator.translator.transform as sam
from ministack.app import main
from ministack.services import eventbridge
from ministack.services.cloudformation import changesets, engine, handlers
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

MAPPING = "AWS::Lambda::EventSourceMapping"
ALARM = "AWS::CloudWatch::Alarm"
CODE_DEPLOY = ("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup")
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

parameters = ContextVar("parameters", default=None)


def with_scheduled_time(invoke):
    """EventBridge Scheduler writes the time of the firing into a schedule's input.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """

    def invoke_target(target, event, rule, view=None):
        if SCHEDULED_TIME in target.get("Input", ""):
            fired = datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            target = target | {"Input": target["Input"].replace(SCHEDULED_TIME, fired)}
        return invoke(target, event, rule, view)

    return invoke_target


def with_number(handle):
    """CloudFormation turns the text of a parameter into the number that the property needs."""

    def handle_mapping(*args):
        properties = [arg for arg in args if isinstance(arg, dict) and "ScalingConfig" in arg]
        for one in properties:
            concurrency = int(one["ScalingConfig"]["MaximumConcurrency"])
            one["ScalingConfig"] = {"MaximumConcurrency": concurrency}
        return handle(*args)

    return handle_mapping


def with_one_metric(handle):
    """MiniStack has no alarms on an expression. The first of its metrics stands for it."""

    def handle_alarm(*args):
        for one in args:
            if isinstance(one, dict) and "Metrics" in one:
                metrics = [metric for metric in one.pop("Metrics") if "MetricStat" in metric]
                stat = metrics[0]["MetricStat"]
                one.update(stat["Metric"], Statistic=stat["Stat"], Period=stat["Period"])
        return handle(*args)

    return handle_alarm


def with_parameters(transform):
    """CloudFormation tells the SAM transform the values of the parameters.

    `Rollout` decides in the transform whether there is a CodeDeploy application.
    """

    def transform_with(template, _, loader):
        return transform(template, parameters.get() or {}, loader)

    return transform_with


def that_tells_parameters(apply):
    def apply_transforms(template, provided=None, previous=None):
        parameters.set(engine._transform_parameters(template, provided, previous))
        return apply(template, provided, previous)

    return apply_transforms


def code_deploy():
    """MiniStack has no CodeDeploy. An alias then takes its new version at once."""
    return {
        "create": lambda name, properties, stack: (f"{stack}-{name}", {}),
        "update": lambda name, old, new, stack: (name, {}),
        "delete": lambda name, properties: None,
    }


if __name__ == "__main__":
    eventbridge._invoke_target = with_scheduled_time(eventbridge._invoke_target)
    for operation in ("create", "update"):
        for kind, wrap in ((MAPPING, with_number), (ALARM, with_one_metric)):
            handler = _RESOURCE_HANDLERS[kind]
            handler[operation] = wrap(handler[operation])
    for kind in CODE_DEPLOY:
        _RESOURCE_HANDLERS[kind] = code_deploy()
    sam.transform = with_parameters(sam.transform)
    for module in (changesets, handlers):
        module._apply_transforms = that_tells_parameters(module._apply_transforms)
    main()
