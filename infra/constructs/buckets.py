"""The archive of folded events, the quarantine of what could not be folded, and lists of people whom flows are started for."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction


class PrivateBucket(Construct):
    """Encrypted, TLS only, closed to the public; objects go after ``keep`` when given, those whose names begin with one of
    ``passing`` after the time that stands there."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        removal_policy: RemovalPolicy,
        keep: Duration | None = None,
        passing: Mapping[str, Duration] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=keep,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    transitions=None
                    if keep
                    else [
                        s3.Transition(
                            storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30)
                        )
                    ],
                ),
                *(s3.LifecycleRule(prefix=prefix, expiration=time) for prefix, time in (passing or {}).items()),
            ],
            removal_policy=removal_policy,
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            "Only functions of this app write here, each object once; CloudTrail data events serve those who must audit "
            "reads, and server access logs would need a third bucket with the same question.",
        )

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self.bucket.bucket_name

    def allow_put(self, function: PythonFunction, *, under: str = "") -> None:
        """Writes objects, whose names begin with ``under``; reads none."""
        self._objects(function, "s3:PutObject", under)

    def allow_get(self, function: PythonFunction) -> None:
        """Reads objects, whose names somebody told."""
        self._objects(function, "s3:GetObject", "")

    def allow_read(self, function: PythonFunction) -> None:
        """Lists and reads objects."""
        function.may(["s3:ListBucket"], [self.bucket.bucket_arn])
        self.allow_get(function)

    def _objects(self, function: PythonFunction, action: str, under: str) -> None:
        function.may([action], [self.bucket.arn_for_objects(f"{under}*")])
        # The stack of the functions imports the ARN: cdk-nag names the finding after that export.
        stack = Stack.of(self)
        export = stack.resolve(stack.export_value(self.bucket.bucket_arn))["Fn::ImportValue"]
        acknowledge(
            function.own_role,
            f"AwsSolutions-IAM5[Resource::{export}/{under}*]",
            "Objects are named by date and batch; the star stands for that key.",
        )

    def allow_failed_batches(self, function: PythonFunction) -> None:
        """What an event source mapping needs to leave a failed batch here."""
        function.may(["s3:ListBucket"], [self.bucket.bucket_arn])
        self.allow_put(function)
