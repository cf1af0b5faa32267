"""What is on the bus, in EventBridge's schema registry: for people who look there, and for code bindings. It costs nothing."""

from __future__ import annotations

import json

from aws_cdk import aws_eventschemas as eventschemas
from constructs import Construct

from homing.domain.bus.catalogue import SOURCE, schemas
from infra.config import StageSettings


class EventSchemas(Construct):
    """Registry ``homing-<stage>``; each schema is called as EventBridge's own discovery would call it."""

    def __init__(self, scope: Construct, id: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id)
        self.registry = eventschemas.CfnRegistry(
            self,
            "Registry",
            registry_name=f"homing-{stage.name}",
            description="What Homing tells, what people ask of it, and the answers",
        )
        for name, schema in schemas().items():
            eventschemas.CfnSchema(
                self,
                name,
                registry_name=self.registry.attr_registry_name,
                schema_name=f"{SOURCE}@{name}",
                type="JSONSchemaDraft4",
                description=str(schema["description"])[:256],
                content=json.dumps(schema, separators=(",", ":"), ensure_ascii=False),
            )
