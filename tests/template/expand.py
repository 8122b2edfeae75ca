"""Expands the template as CloudFormation does, with SAM's own translator and no call to AWS.

    expand.py TEMPLATE > expanded.json

No linter looks inside a function's `Events`. In the expanded template they are plain resources. The
nested stack's resources are in it, too.
"""

import json
import os
import sys
from pathlib import Path

# The translator asks boto3 for the partition, and boto3 needs a Region.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

sys.path.insert(0, str(Path(__file__).parents[2] / "templates"))

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from flat import flat


def expand(path, parameters=None):
    """Expands the SAM template at `path`. `parameters` replace the defaults."""
    with open(path, encoding="utf-8") as template:
        source = flat(yaml_parse(template))
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam deploy` writes the uploaded archive here. The translator takes no folder.
            resource["Properties"]["CodeUri"] = "s3://artifacts/code.zip"
    values = {name: given.get("Default", "") for name, given in source["Parameters"].items()}
    expanded = Translator({}, Parser()).translate(source, values | (parameters or {}))
    for section in ("Transform", "Globals"):
        expanded.pop(section, None)
    return expanded


if __name__ == "__main__":
    json.dump(expand(sys.argv[1]), sys.stdout, indent=2)
