"""What an update or a deletion of the stack must not lose, and what must follow a parameter."""

import re

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

# What is in them can't be made again.
HOLD_DATA = {
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}
KEEP = {"Retain", "RetainExceptOnCreate"}


def kept(template):
    """No queue, bucket, log group or secret is deleted with what is in it."""
    for name, resource in template["Resources"].items():
        if resource["Type"] not in HOLD_DATA:
            continue
        if resource.get("DeletionPolicy") not in KEEP:
            yield f"{name}: it is deleted with the stack"
        if resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name}: an update that replaces it deletes it"


def create_only(kind):
    """The properties whose change makes CloudFormation replace a resource of this type."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = schema.get("createOnlyProperties", [])
    return {path.removeprefix("/properties/") for path in paths}


def used(template, value):
    """The parameters and the resources on which a value depends, also through conditions."""
    names = set()
    if isinstance(value, list):
        names = set().union(*(used(template, one) for one in value))
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "Ref":
                names.add(one)
            elif key == "Fn::GetAtt":
                names.add(one[0])
            elif key == "Fn::If":
                names |= used(template, template["Conditions"][one[0]]) | used(template, one[1:])
            elif key == "Fn::Sub":
                text, variables = one if isinstance(one, list) else (one, {})
                names |= set(re.findall(r"\$\{(\w+)", text)) - variables.keys()
                names |= used(template, variables)
            else:
                names |= used(template, one)
    return {name for name in names if not name.startswith("AWS::")}


def replaced(template):
    """For each resource, the parameters whose change makes CloudFormation replace it."""
    found = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        fixed = [properties[one] for one in create_only(resource["Type"]) if one in properties]
        found[name] = used(template, fixed)
    # A resource that names a replaced one is replaced with it.
    while True:
        more = {
            name: set().union(*(found.get(one, {one}) for one in names))
            for name, names in found.items()
        }
        if more == found:
            break
        found = more
    return {name: names & template["Parameters"].keys() for name, names in found.items()}


def settings(template):
    """Each parameter that reaches the consumer makes CloudFormation publish a new version of it."""
    resources = template["Resources"]
    named = used(template, resources["ConsumerSettings"]["Properties"]["Description"])
    (version,) = (one for one in resources.values() if one["Type"] == "AWS::Lambda::Version")
    if "ConsumerSettings" not in used(template, version["Properties"]["Description"]):
        yield "Consumer: a changed parameter publishes no version"
    reached = used(template, resources["Consumer"]["Properties"])
    replacements = replaced(template)
    for name in sorted(reached):
        for parameter in sorted(replacements.get(name, {name}) - named):
            yield f"ConsumerSettings: {parameter} reaches the consumer, and is not named"
    all_reached = set().union(*(replacements.get(name, {name}) for name in reached))
    for parameter in sorted(named - all_reached):
        yield f"ConsumerSettings: {parameter} is named, but does not reach the consumer"
