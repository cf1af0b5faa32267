"""A shard iterator that feeds a function: bounded retries, bisecting, and nothing dropped silently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.buckets import PrivateBucket
from infra.constructs.python_function import PythonFunction


class StreamSource(Construct):
    """An event source mapping of a Kinesis or DynamoDB stream.

    Without limits a bad record blocks its shard until the records expire: a batch is retried from its lowest failed
    sequence number, cut in halves, and after ``retries`` (or ``max_age_seconds``) left whole in the quarantine bucket,
    from where it can be replayed. A queue would only be told where the records were, for a day.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        function: PythonFunction,
        source_arn: str,
        quarantine: PrivateBucket,
        batch_size: int,
        batching_window_seconds: int,
        retries: int = 10,
        max_age_seconds: int = 6 * 3600,
        pattern: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(scope, id)
        quarantine.allow_failed_batches(function)
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            function_name=function.function_name,
            event_source_arn=source_arn,
            starting_position="TRIM_HORIZON",
            batch_size=batch_size,
            maximum_batching_window_in_seconds=batching_window_seconds,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=retries,
            maximum_record_age_in_seconds=max_age_seconds,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=quarantine.bucket.bucket_arn)
            ),
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[lambda_.CfnEventSourceMapping.FilterProperty(pattern=json.dumps(pattern))]
            )
            if pattern
            else None,
        )
        # Lambda checks the role when the mapping is made.
        mapping.node.add_dependency(function.own_role)
