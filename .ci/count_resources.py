#!/usr/bin/env python3
"""Counts what CloudFormation will see: runs the SAM transform itself, without an account.

A template may have 500 resources and one megabyte. Each operation is a function of its own, so the count must stay
at three resources an operation, or the whole product (about 150 operations) would not fit.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

RESOURCES = 500
RESOURCES_PER_OPERATION = 3
BYTES = 1024 * 1024
WHOLE_PRODUCT = 150


class NoAccount(ManagedPolicyLoader):
    """The transform asks IAM for the ARNs of managed policies by name; these templates name none."""

    def __init__(self):
        super().__init__(iam_client=None)

    def load(self):
        return {}


def local(template):
    """Stands in for `sam package`: the transform wants code in S3, and any bucket will do for counting."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return template


def transformed(path):
    return transform(local(yaml_parse(path.read_text())), {}, NoAccount())


def main():
    # The transform writes ARNs of the region that it runs in.
    os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-2")
    root = Path(__file__).resolve().parent.parent
    failed = False
    for name in ["template.yaml", "infra/messaging.yaml", "infra/workers.yaml"]:
        source = yaml_parse((root / name).read_text())["Resources"]
        result = transformed(root / name)
        kinds = Counter(resource["Type"] for resource in result["Resources"].values())
        size = len(json.dumps(result, separators=(",", ":")))
        print(f"{name}: {sum(kinds.values())} resources, {size} bytes after the transform")
        for kind, count in kinds.most_common():
            print(f"  {count:4} {kind}")
        if name != "template.yaml":
            continue
        operations = sum(resource["Type"] == "AWS::Serverless::Function" for resource in source.values())
        of_operations = sum(kinds[kind] for kind in ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Lambda::Permission"))
        others = sum(kinds.values()) - of_operations
        resources_then = others + WHOLE_PRODUCT * of_operations // operations
        bytes_then = size * WHOLE_PRODUCT // operations
        print(f"  {operations} operations; with {WHOLE_PRODUCT}: {resources_then} resources, {bytes_then} bytes")
        if of_operations > RESOURCES_PER_OPERATION * operations:
            print(f"error: more than {RESOURCES_PER_OPERATION} resources an operation", file=sys.stderr)
            failed = True
        if resources_then > RESOURCES or bytes_then > BYTES:
            print("error: the whole product will not fit", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
