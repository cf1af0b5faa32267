"""The two secrets: keys that nobody needs to know, and keys that somebody must paste."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction


class Secrets(Construct):
    """``keys``: generated once, behind every profile id and every signed link. ``ingest``: filled by a devops."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, id)
        self.ingest_name = stage.named("ingest")
        self.keys = secretsmanager.Secret(
            self,
            "Keys",
            secret_name=stage.named("keys"),
            description="Homing: keys of profile ids and link signatures. Losing them makes every customer a stranger.",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=removal_policy,
        )
        acknowledge(
            self.keys,
            "AwsSolutions-SMG4",
            "Profile ids are keyed hashes of identifiers: rotating the key would make every customer a stranger.",
        )
        self.ingest = secretsmanager.Secret(
            self,
            "Ingest",
            secret_name=self.ingest_name,
            description='Homing: fill in {"write_keys": ["..."], "shopify": "webhook signing secret"}',
            # No secret: until it is filled, every request is refused.
            secret_string_value=SecretValue.unsafe_plain_text('{"write_keys": [], "shopify": ""}'),
            removal_policy=removal_policy,
        )
        acknowledge(
            self.ingest,
            "AwsSolutions-SMG4",
            "Write keys and webhook secrets are issued outside AWS; docs/deploy.md says how to change them.",
        )

        self.keys_arn = _arn(self.keys)
        self.ingest_arn = _arn(self.ingest)

    def allow_keys(self, function: PythonFunction) -> None:
        """Reads the keys of ids and links."""
        function.may(["secretsmanager:GetSecretValue"], [self.keys_arn])

    def allow_ingest(self, function: PythonFunction) -> None:
        """Reads write keys and webhook secrets."""
        function.may(["secretsmanager:GetSecretValue"], [self.ingest_arn])


def _arn(secret: secretsmanager.Secret) -> str:
    """The attribute, since emulators take ``Ref`` for the name."""
    resource = secret.node.default_child
    assert isinstance(resource, secretsmanager.CfnSecret)
    return resource.attr_id
