"""Synthesized CloudFormation templates, resolved to concrete resources.

``Template`` holds the stacks of one cloud assembly as one namespace of resources; exports and imports between them are
followed. Names and ARNs are those that AWS would give in the local account and region, or the ones a property states.
Intrinsic functions are resolved when a value is asked for, so what nobody asks for may use anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homing.domain.errors import InvalidInput

_NO_VALUE = object()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the resources are pretended to live. ``api_url`` is what the HTTP API's endpoint resolves to."""

    account: str = "123456789012"
    region: str = "eu-central-1"
    api_url: str = "https://homing.example"


@dataclass(slots=True)
class Resource:
    """One resource; ``properties`` are resolved."""

    stack: str
    logical_id: str
    type: str
    template: Template = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def properties(self) -> dict[str, Any]:
        """Resolved properties."""
        resolved: dict[str, Any] = self.template.resolve(self.raw.get("Properties", {}), self.stack)
        return resolved

    @property
    def name(self) -> str:
        """The physical name: the stated one, else a name made from the stack's and the logical id."""
        key = _NAME_PROPERTY.get(self.type, "Name")
        stated = self.raw.get("Properties", {}).get(key)
        if stated is not None:
            return str(self.template.resolve(stated, self.stack))
        made = f"{self.stack}-{self.logical_id}"
        if self.type == "AWS::S3::Bucket":
            return made.lower()[:63]
        return hashlib.blake2b(made.encode(), digest_size=5).hexdigest() if self.type in _SHORT_IDS else made

    @property
    def arn(self) -> str:
        """The ARN."""
        return str(self.template.attribute(self, "Arn"))


class Template:
    """The stacks of an assembly. ``assets`` is the folder where assets lie as ``asset.<hash>``."""

    def __init__(self, stacks: Mapping[str, Mapping[str, Any]], place: Place | None = None, assets: Path = Path()):
        self.place = place or Place()
        self.assets = assets
        self._stacks = stacks
        self._resources = {
            (stack, id_): Resource(stack, id_, raw["Type"], self, raw)
            for stack, template in stacks.items()
            for id_, raw in template.get("Resources", {}).items()
            if self._holds(stack, raw.get("Condition"))
        }

    @classmethod
    def load(cls, assembly: Path, place: Place | None = None) -> Template:
        """Reads a cloud assembly (``cdk.out``), nested stages included. Raises InvalidInput when there is none."""
        stacks = {}
        for manifest in sorted(assembly.rglob("manifest.json")):
            for artifact in json.loads(manifest.read_text(encoding="utf-8")).get("artifacts", {}).values():
                if artifact["type"] == "aws:cloudformation:stack":
                    properties = artifact["properties"]
                    text = (manifest.parent / properties["templateFile"]).read_text(encoding="utf-8")
                    stacks[properties["stackName"]] = json.loads(text)
        if not stacks:
            raise InvalidInput(f"{assembly} holds no synthesized stack", code="no_template")
        return cls(stacks, place, assembly)

    def resources(self, *types: str) -> Iterator[Resource]:
        """Those of these types; all without types."""
        return (resource for resource in self._resources.values() if not types or resource.type in types)

    def by_arn(self, arn: str) -> Resource | None:
        """The resource with that ARN (or stream ARN), among those that have one here."""
        for resource in self._resources.values():
            if resource.type in _ARNS and arn in {resource.arn, self._stream_arn(resource)}:
                return resource
        return None

    def resolve(self, value: Any, stack: str) -> Any:
        """A value without intrinsic functions. Raises InvalidInput for what can't be resolved."""
        if isinstance(value, list):
            return [item for part in value if (item := self.resolve(part, stack)) is not _NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" or key.startswith("Fn::") or key == "Condition":
                return self._intrinsic(key, argument, stack)
        return {
            key: resolved for key, part in value.items() if (resolved := self.resolve(part, stack)) is not _NO_VALUE
        }

    def attribute(self, resource: Resource, name: str) -> Any:
        """``Fn::GetAtt``. Raises InvalidInput for attributes that this host doesn't know."""
        place = self.place
        if name == "Arn" or (name, resource.type) in {
            ("TopicArn", "AWS::SNS::Topic"),
            ("Id", "AWS::SecretsManager::Secret"),
        }:
            pattern = _ARNS.get(
                resource.type, f"{resource.type.split('::')[1].lower()}:{{region}}:{{account}}:{{name}}"
            )
            return "arn:aws:" + pattern.format(region=place.region, account=place.account, name=resource.name)
        if name == "StreamArn":
            return self._stream_arn(resource)
        known = {
            "QueueName": resource.name,
            "QueueUrl": self._reference(resource),
            "Name": resource.name,
            "ApiEndpoint": place.api_url,
            "ApiId": resource.name,
            "DomainName": f"{resource.name}.s3.amazonaws.com",
        }
        if name in known:
            return known[name]
        # DNS records of a domain identity: shown to a devops, read by nobody here.
        return f"{resource.logical_id}.{name}"

    def _stream_arn(self, resource: Resource) -> str:
        return f"{resource.arn}/stream/2026-01-01T00:00:00.000"

    def _reference(self, resource: Resource) -> str:
        place = self.place
        if resource.type == "AWS::SQS::Queue":
            return f"https://sqs.{place.region}.amazonaws.com/{place.account}/{resource.name}"
        if resource.type in {"AWS::SecretsManager::Secret", "AWS::SNS::Topic", "AWS::Lambda::LayerVersion"}:
            return resource.arn
        return resource.name

    def _find(self, id_: str, stack: str) -> Resource:
        try:
            return self._resources[stack, id_]
        except KeyError:
            raise InvalidInput(f"{stack} has no resource {id_}", code="template") from None

    def _intrinsic(self, key: str, argument: Any, stack: str) -> Any:
        if key == "Ref":
            return self._ref(argument, stack)
        if key == "Fn::GetAtt":
            id_, _, name = argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
            return self.attribute(self._find(id_, stack), name)
        if key == "Fn::ImportValue":
            return self._export(self.resolve(argument, stack))
        if key == "Fn::Sub":
            return self._sub(argument, stack)
        if key == "Fn::If":
            condition, yes, no = argument
            return self.resolve(yes if self._holds(stack, condition) else no, stack)
        if key == "Condition":
            return self._holds(stack, argument)
        return self._function(key, self.resolve(argument, stack))

    def _function(self, key: str, argument: Any) -> Any:
        if key == "Fn::Join":
            return argument[0].join(str(part) for part in argument[1])
        if key == "Fn::Select":
            return argument[1][int(argument[0])]
        if key == "Fn::Split":
            return argument[1].split(argument[0])
        if key == "Fn::Equals":
            return argument[0] == argument[1]
        if key == "Fn::Not":
            return not argument[0]
        if key == "Fn::And":
            return all(argument)
        if key == "Fn::Or":
            return any(argument)
        if key == "Fn::GetAZs":
            return [f"{self.place.region}{letter}" for letter in "abc"]
        raise InvalidInput(f"this host does not know {key}", code="template")

    def _ref(self, name: str, stack: str) -> Any:
        place = self.place
        pseudo = {
            "AWS::AccountId": place.account,
            "AWS::Region": place.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack,
            "AWS::StackId": f"arn:aws:cloudformation:{place.region}:{place.account}:stack/{stack}/local",
            "AWS::NoValue": _NO_VALUE,
            "AWS::NotificationARNs": [],
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self._stacks[stack].get("Parameters", {}).get(name)
        if parameter is not None:
            return parameter.get("Default", "")
        return self._reference(self._find(name, stack))

    def _sub(self, argument: Any, stack: str) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        parts = text.split("${")
        result = [parts[0]]
        for part in parts[1:]:
            name, _, rest = part.partition("}")
            if name.startswith("!"):
                result.append("${" + name[1:] + "}" + rest)
                continue
            if name in variables:
                value = self.resolve(variables[name], stack)
            elif "." in name:
                value = self._intrinsic("Fn::GetAtt", name, stack)
            else:
                value = self._ref(name, stack)
            result.append(f"{value}{rest}")
        return "".join(result)

    def _export(self, name: str) -> Any:
        for stack, template in self._stacks.items():
            for output in template.get("Outputs", {}).values():
                if "Export" in output and self.resolve(output["Export"]["Name"], stack) == name:
                    return self.resolve(output["Value"], stack)
        raise InvalidInput(f"no stack exports {name}", code="template")

    def _holds(self, stack: str, condition: str | None) -> bool:
        if condition is None:
            return True
        return bool(self.resolve(self._stacks[stack]["Conditions"][condition], stack))


_NAME_PROPERTY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SES::EmailIdentity": "EmailIdentity",
    # The names of APIs and integrations are not their ids.
    "AWS::ApiGatewayV2::Api": "",
    "AWS::ApiGatewayV2::Integration": "",
}
_SHORT_IDS = {"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::KMS::Key"}
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::Kinesis::Stream": "kinesis:{region}:{account}:stream/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::LayerVersion": "lambda:{region}:{account}:layer:{name}:1",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{name}-aaaaaa",
}
