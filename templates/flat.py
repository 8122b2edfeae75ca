"""Puts templates/monitoring.yaml into the main template, so that there is no nested stack.

    flat.py TEMPLATE > flat.json

The AWS Serverless Application Repository takes no nested stack that is a file
(https://github.com/aws/aws-sam-cli/issues/2477). The tests read alarms, functions and queues
together, too.
"""

import json
import re
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

MONITORING = Path(__file__).with_name("monitoring.yaml")


def flat(template):
    """The template with the resources of the nested one in place of the stack `Monitoring`."""
    nested = yaml_parse(MONITORING.read_text(encoding="utf-8"))
    stack = template["Resources"].pop("Monitoring")
    # What is given under a condition is used by resources with the same condition.
    given = {
        name: value["Fn::If"][1] if isinstance(value, dict) and "Fn::If" in value else value
        for name, value in stack["Properties"]["Parameters"].items()
    }
    outputs = {
        f"Outputs.{name}": with_values(output["Value"], given)
        for name, output in nested["Outputs"].items()
    }
    for section in ("Mappings", "Conditions", "Resources"):
        taken = template[section].keys() & nested[section].keys()
        if taken:
            raise ValueError(f"both templates have {', '.join(sorted(taken))}")
        template[section] |= with_values(nested[section], given)
    return with_outputs(template, outputs)


def with_values(value, given):
    """The nested template's value, with what the main template gives for each parameter."""
    if isinstance(value, list):
        return [with_values(one, given) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"}:
        return given.get(value["Ref"], value)
    if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        return substituted(value["Fn::Sub"], given)
    return {name: with_values(one, given) for name, one in value.items()}


def substituted(text, given):
    variables = {}

    def reference(name):
        value = given.get(name[1])
        if value is None:
            return name[0]
        if "Fn::Sub" in value:
            variables[name[1]] = value
            return name[0]
        return "${" + (value.get("Ref") or ".".join(value["Fn::GetAtt"])) + "}"

    text = re.sub(r"\$\{(\w+)\}", reference, text)
    return {"Fn::Sub": [text, variables] if variables else text}


def with_outputs(value, outputs):
    """The main template's value, with what the nested stack's outputs were."""
    if isinstance(value, list):
        return [with_outputs(one, outputs) for one in value]
    if not isinstance(value, dict):
        return value
    stack, *output = value.get("Fn::GetAtt", [None])
    if stack == "Monitoring":
        return outputs[".".join(output)]
    return {name: with_outputs(one, outputs) for name, one in value.items()}


if __name__ == "__main__":
    source = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump(flat(source), sys.stdout, indent=2, ensure_ascii=False)
