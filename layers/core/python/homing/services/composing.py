"""The mail itself: rendered for this person, with signed links, parameters of links, headers and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr
from typing import Any, Protocol

from homing.domain.campaigns import Campaigns
from homing.domain.content.context import build_context
from homing.domain.delivery import link_parameters
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import Mail, SendRequest
from homing.domain.engine import Engine
from homing.domain.profiles.fold import EVERY_TOPIC
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Profile
from homing.services.contents import Content

# Links to these pages stay exactly as they were signed.
_OWN_PAGES = frozenset({"unsubscribe_url", "preferences_url", "confirm_url"})


class Rendered(Protocol):
    """What a renderer makes of a template."""

    @property
    def subject(self) -> str:
        """One line."""

    @property
    def html(self) -> str:
        """The HTML part."""

    @property
    def text(self) -> str:
        """The text part."""


class Renderer(Protocol):
    """domain.content.render.Renderer, or anything that renders."""

    def render(self, template: str, context: Mapping[str, Any]) -> Rendered:
        """Raises InvalidInput with template and position."""


@dataclass(frozen=True)
class Composer:
    """``sender`` overrides the brand's address; without an engine nothing is computed."""

    campaigns: Campaigns
    identity: Identity
    renderer: Renderer
    links: Links
    sender: str | None = None
    engine: Engine | None = None

    def __call__(self, request: SendRequest, profile: Profile, now: int, content: Content) -> Mail:
        """The mail of a request that may leave now. Raises InvalidInput when the template does not render."""
        settings = self.campaigns.settings
        email = profile.email or ""
        email_key = self.identity.key("email", normalise("email", email))
        # One click ends everything that is not transactional; the preference page is for choosing.
        unsubscribe = self.links.unsubscribe_url(profile.id, email_key, EVERY_TOPIC, now)
        context = build_context(
            campaigns=self.campaigns, profile=profile, request=request, unsubscribe_url=unsubscribe,
            preferences_url=self.links.preferences_url(profile.id, email_key, request.topic, now), now=now,
            computed=self._computed(request.template, profile, now), choice=content.choice, code=content.code,
            recommended=content.recommended,
        )  # fmt: skip
        if confirm := request.data.get("confirm"):
            context["confirm_url"] = self.links.confirm_url(profile.id, email_key, str(confirm), now)
        rendered = self.renderer.render(request.template, context)
        words = {
            "flow": request.flow, "template": request.template, "topic": request.topic, "variant": content.variant,
        }  # fmt: skip
        parameters = link_parameters.filled_in(settings.links, words)
        own = [str(url) for name, url in context.items() if name in _OWN_PAGES]
        headers = {} if settings.topics[request.topic].transactional else {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }  # fmt: skip
        return Mail(
            sender=formataddr((settings.brand.sender_name, self.sender or settings.brand.sender_address)),
            recipient=email,
            reply_to=settings.brand.reply_to,
            subject=rendered.subject,
            html=link_parameters.in_html(rendered.html, parameters, settings.brand, own),
            text=link_parameters.in_text(rendered.text, parameters, settings.brand, own),
            headers=headers,
            tags={
                "homing_send": request.send_id,
                "homing_profile": request.profile_id,
                "homing_flow": request.flow,
                "homing_template": request.template,
                "homing_topic": request.topic,
            },
        )

    def _computed(self, template: str, profile: Profile, now: int) -> dict[str, Any]:
        held = self.campaigns.templates.get(template)
        if self.engine is None or held is None or not held.computed:
            return {}
        return self.engine.attributes.values(held.computed, profile, now)
