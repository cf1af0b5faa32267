"""Synthesized templates become concrete resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.local.template import Place, Template
from tests.unit.local import stacks


def resolve(value: Any, **more: Any) -> Any:
    template = Template({"data": stacks.DATA, "app": {"Resources": stacks.QUEUES, **more}}, Place("1", "eu-west-1"))
    return template.resolve(value, "app")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Work"}, "https://sqs.eu-west-1.amazonaws.com/1/work"),
        ({"Fn::GetAtt": ["Work", "Arn"]}, "arn:aws:sqs:eu-west-1:1:work"),
        ({"Fn::GetAtt": "Work.QueueName"}, "work"),
        ({"Fn::ImportValue": "data:table"}, "things"),
        ({"Fn::ImportValue": "data:stream"}, "arn:aws:kinesis:eu-west-1:1:stream/events"),
        ({"Fn::Sub": "x-${AWS::AccountId}-${Work.Arn}-${!kept}"}, "x-1-arn:aws:sqs:eu-west-1:1:work-${kept}"),
        ({"Fn::Sub": ["${a}/${b}", {"a": {"Ref": "Bus"}, "b": 2}]}, "shop/2"),
        ({"Fn::Join": ["-", ["a", {"Fn::Select": [1, {"Fn::Split": [":", "x:y"]}]}]]}, "a-y"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
    ],
)
def test_intrinsic_functions_resolve(value: Any, expected: Any) -> None:
    assert resolve(value) == expected


def test_conditions_choose_values_and_resources() -> None:
    conditions = {
        "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
        "There": {"Fn::Not": [{"Condition": "Here"}]},
    }
    assert resolve({"Fn::If": ["There", "no", "yes"]}, Conditions=conditions) == "yes"
    resources = {"Q": {"Type": "AWS::SQS::Queue", "Condition": "There"}}
    template = Template({"s": {"Resources": resources, "Conditions": conditions}}, Place(region="eu-west-1"))
    assert list(template.resources()) == []


def test_parameters_have_their_defaults() -> None:
    assert resolve({"Ref": "Size"}, Parameters={"Size": {"Default": "3"}}) == "3"


@pytest.mark.parametrize("value", [{"Ref": "Nobody"}, {"Fn::ImportValue": "data:nothing"}, {"Fn::Transform": {}}])
def test_what_cannot_be_resolved_is_an_error(value: Any) -> None:
    with pytest.raises(InvalidInput):
        resolve(value)


def test_names_are_made_where_none_is_stated_and_arns_lead_back() -> None:
    template = Template(stacks.stacks({}))
    bucket = next(template.resources("AWS::S3::Bucket"))
    assert bucket.name == "data-quarantine"
    assert template.by_arn(bucket.arn) == bucket
    table = next(template.resources("AWS::DynamoDB::Table"))
    assert template.by_arn(template.attribute(table, "StreamArn")) == table


def test_an_assembly_is_read_with_its_nested_stages(tmp_path: Path) -> None:
    stage = tmp_path / "assembly-Stage"
    stage.mkdir()
    artifact = {"type": "aws:cloudformation:stack", "properties": {"stackName": "one", "templateFile": "t.json"}}
    (stage / "t.json").write_text(json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}))
    (stage / "manifest.json").write_text(json.dumps({"artifacts": {"one": artifact}}))
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {}}))
    assert [resource.name for resource in Template.load(tmp_path).resources()] == ["one-Q"]
    with pytest.raises(InvalidInput):
        Template.load(tmp_path / "nowhere")
