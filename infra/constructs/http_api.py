"""The HTTP API: ingestion for SDKs and shops, pages for customers."""

from __future__ import annotations

import json

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import StageSettings
from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction

# Segment's HTTP API for SDKs that were pointed at a bare host and leave /v1 out.
CALLS = ("batch", "track", "identify", "page", "screen", "group", "alias", "import")

# No address, no query (unsubscribe links carry tokens there), no user agent: logs name nobody.
_ACCESS_LOG = {
    "request": "$context.requestId",
    "at": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


class HttpApi(Construct):
    """One API with throttling, access logs and CORS; routes are added for the functions that answer them."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id)
        self.api = apigw.HttpApi(
            self,
            "Api",
            api_name=stage.named("api"),
            description="Homing: events in, preferences of customers",
            create_default_stage=False,
            cors_preflight=apigw.CorsPreflightOptions(
                allow_origins=list(stage.cors_origins),
                allow_methods=[apigw.CorsHttpMethod.POST, apigw.CorsHttpMethod.OPTIONS],
                allow_headers=["authorization", "content-type", "content-encoding", "x-write-key"],
                max_age=Duration.days(1),
            ),
        )
        log_group = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/apigateway/{stage.named('api')}",
            retention=logs.RetentionDays.ONE_WEEK,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.stage = apigw.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(rate_limit=stage.requests_per_second, burst_limit=stage.burst),
        )
        settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )
        # The L2 takes an interface that jsii cannot make from Python.
        default_stage = self.stage.node.default_child
        assert isinstance(default_stage, apigw.CfnStage)
        default_stage.access_log_settings = settings
        acknowledge(
            self.api,
            "AwsSolutions-APIG4",
            "Write keys, webhook signatures and signed links are checked by the functions: SDKs and shops speak no IAM.",
        )

    @property
    def url(self) -> str:
        """``https://...``, without a slash at the end."""
        return self.api.api_endpoint

    def answer_events(self, function: PythonFunction) -> None:
        """POST of Segment's calls, and the preflight for hosts that answer it themselves."""
        integration = _integration("Events", function)
        # Under /v1 the function knows the calls, also the short ones of Segment's browser SDK (/v1/t, /v1/i …).
        for path in ("/v1/{call}", *(f"/{call}" for call in CALLS)):
            self.api.add_routes(
                path=path, methods=[apigw.HttpMethod.POST, apigw.HttpMethod.OPTIONS], integration=integration
            )

    def answer_webhooks(self, function: PythonFunction) -> None:
        """POST /webhooks/{shop}."""
        self.api.add_routes(
            path="/webhooks/{shop}", methods=[apigw.HttpMethod.POST], integration=_integration("Webhooks", function)
        )

    def answer_customers(self, function: PythonFunction) -> None:
        """GET and POST of /unsubscribe, /preferences and /confirm, and HEAD: a scanner that gets 404 for it calls the mail
        suspicious."""
        integration = _integration("Customers", function)
        methods = [apigw.HttpMethod.GET, apigw.HttpMethod.HEAD, apigw.HttpMethod.POST]
        for path in ("/unsubscribe", "/preferences", "/confirm"):
            self.api.add_routes(path=path, methods=methods, integration=integration)


def _integration(id: str, function: PythonFunction) -> integrations.HttpLambdaIntegration:
    # One permission for the API: one for each of forty routes would overflow the function's resource policy.
    return integrations.HttpLambdaIntegration(id, function, scope_permission_to_route=False)
