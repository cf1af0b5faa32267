"""From a published template and a context to a mail."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homing.domain.campaigns import Campaigns
from homing.domain.content.engine import environments, excerpt
from homing.domain.content.suggest import did_you_mean
from homing.domain.content.untrusted import plain
from homing.domain.content.words import spoken
from homing.domain.errors import InvalidInput

if TYPE_CHECKING:
    from liquid import BoundTemplate

_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three parts of a mail."""

    subject: str
    html: str
    text: str


class Renderer:
    """Renders the templates of a bundle; each is parsed once for each language, when it is first used."""

    def __init__(self, campaigns: Campaigns) -> None:
        self._templates = campaigns.templates
        self._languages = (campaigns.settings.language, *campaigns.settings.languages)
        self._currency = campaigns.settings.currency
        self._parsed: dict[tuple[str, str, str], BoundTemplate] = {}

    def render(self, template_name: str, context: Mapping[str, Any]) -> Rendered:
        """The mail. ``context`` comes from :func:`homing.domain.content.context.build_context`.

        Raises InvalidInput, with the template, its part and the piece of Liquid, when a value is missing, a limit is
        reached, or a mail that needs an unsubscribe link came out without one.
        """
        template = self._templates.get(template_name)
        if template is None:
            hint = did_you_mean(template_name, self._templates)
            raise InvalidInput(f"there is no template {template_name!r}{hint}", code="unknown_template")
        page = self._part(template_name, "html", template.html, context)
        text = self._part(template_name, "text", template.text, context)
        subject = " ".join(plain(self._part(template_name, "subject", template.subject, context)).split())
        if not subject:
            raise InvalidInput("the subject came out empty", code="empty_subject", where=template_name)
        topic = context.get("topic")
        link = str(context.get("unsubscribe_url") or "")
        if not (topic and topic.get("transactional")) and (not link or html.escape(link) not in page):
            message = "the mail has no unsubscribe link: put {{ unsubscribe_url }} into the template or its layout"
            raise InvalidInput(message, code="missing_unsubscribe", where=template_name)
        return Rendered(subject, page, _BLANK_LINES.sub("\n\n", text).strip() + "\n")

    def _language(self, context: Mapping[str, Any]) -> str:
        """The language of dates, money and counts: the customer's, where the shop writes in it."""
        if len(self._languages) == 1:
            return self._languages[0]
        traits = context.get("profile", {}).get("traits", {})
        return spoken(traits.get("language") or traits.get("locale"), self._languages)

    def _part(self, name: str, part: str, source: str, context: Mapping[str, Any]) -> str:
        from liquid.exceptions import LiquidError

        from homing.domain.content.quick import quicken

        where = f"{name}.{part}"
        try:
            language = self._language(context)
            parsed = self._parsed.get((name, part, language))
            if parsed is None:
                pair = environments(language, self._currency)
                environment = pair.html if part == "html" else pair.text
                parsed = self._parsed[(name, part, language)] = quicken(environment.from_string(source, name=where))
            return parsed.render(context)
        except LiquidError as error:
            message = str(error.args[0]) if error.args else type(error).__name__
            piece = excerpt(error)
            raise InvalidInput(f"{message} in {piece}" if piece else message, code="render", where=where) from error
        except InvalidInput as error:
            raise InvalidInput(error.message, code=error.code, where=where) from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise InvalidInput(f"a filter got what it can't use: {error}", code="render", where=where) from error
