"""Every kind of mistake that ``homing check`` knows: what it means, and whether it keeps campaigns from publishing."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """``explanation``: what is wrong and what to do, for the reference page."""

    severity: Severity
    explanation: str


CODES: dict[str, Code] = {
    # Files
    "missing_file": Code("error", "A file that every campaign needs is not there: `settings.yaml` holds the brand."),
    "unknown_file": Code("error", "A file that nothing reads: a wrong folder or ending, or a text part alone."),
    "encoding": Code("error", "The file is not UTF-8 text. Save it as UTF-8."),
    "yaml": Code("error", "Not YAML: often a missing space after a colon, a tab, or a quote left open."),
    "duplicate_key": Code("error", "A key stands twice in the same place; one of them would be lost."),
    "name_mismatch": Code("error", "The name inside the file and the file's own name differ. Leave `name` out, or fit it."),
    # Settings, segments, flows
    "unknown_key": Code("error", "A key that means nothing here, probably misspelt."),
    "missing_key": Code("error", "A key that is needed is not there."),
    "invalid_value": Code(
        "error",
        "A value that does not fit: a number for a word, a duration without its unit, a colour, an address or a time "
        "zone that there is not …",
    ),
    "unknown_condition": Code("error", "A condition starts with none of the words that conditions start with."),
    "unknown_step": Code("error", "A step starts with none of the words that steps start with."),
    "unknown_segment": Code("error", "A segment of this name does not exist."),
    "unknown_template": Code("error", "A template of this name does not exist."),
    "unknown_flow": Code("error", "A flow of this name does not exist, or can't be requested."),
    "unknown_webhook": Code("error", "`settings.yaml` has no webhook of this name."),
    "unknown_topic": Code("error", "`settings.yaml` has no topic of this name."),
    "unknown_event": Code("warning", "No event is called so, but one is called almost so. Your own events are fine."),
    "topic_cycle": Code("error", "Topics that are `covered_by` each other in a circle can't be decided."),
    "attribute_cycle": Code("error", "Stages that depend on an attribute with stages can't be decided."),
    "attribute_name": Code("error", "A file of `attributes/` is called like an attribute that Homing computes itself."),
    "segment_cycle": Code("error", "Segments that ask for each other in a circle can't be decided."),
    # Choices
    "choice_tie": Code("error", "Two rows of a matrix match the same people, say equally much, and give something else."),
    "choice_too_large": Code("error", "A matrix with so many combinations that nobody could look through them."),
    "unreachable_choice": Code("warning", "A row, rule or branch of a choice that nobody ever gets to."),
    "unused_choice": Code("warning", "No template reads this choice."),
    # Discount codes
    "unknown_code": Code("error", "`codes/` has no discount code of this name."),
    "code_not_granted": Code("error", "A template shows `code`, and a flow that sends it grants none."),
    "unread_code": Code("warning", "A step draws a discount code for each mail, and the mail does not show it."),
    "unused_code": Code("warning", "No flow grants this discount code."),
    "code_not_entitled": Code(
        "error",
        "The discount code is `only_for` a segment, and there is a way to this step on which nobody asked for it: branch on "
        "the segment before, or write it into `only_if`.",
    ),
    # Flows
    "unreachable_step": Code(
        "warning",
        "No run ever comes here: all have ended before, or the conditions around and before it have decided already.",
    ),
    "idle_step": Code(
        "warning",
        "A step that changes nothing: a wait after which nothing comes, a branch whose ways are the same or whose answer is "
        "known, a wait for what is so already.",
    ),
    "dead_wait": Code(
        "warning",
        "What is waited for can't happen, for anybody or for those who come on one of the ways: they wait for nothing.",
    ),
    "short_wait": Code(
        "warning",
        "A wait for what becomes of a mail that is shorter than the quiet hours: who is sent the mail in the evening gets it "
        "when the wait is over.",
    ),
    "message_not_sent": Code(
        "error", "A step asks what became of a message that no step before it sends: the answer is always no."
    ),
    "past_day": Code("warning", "A day that is past: nobody waits for it, and no code is granted after it."),
    "goal_at_once": Code(
        "error",
        "`stop_when` or `exit_when` holds as soon as the flow starts, so that every run ends before its first step. What "
        "somebody did counts from the trigger on, except within a window; traits, lists and segments count as they are.",
    ),
    "nobody": Code(
        "warning",
        "Conditions that contradict each other: a segment that nobody can be in, a flow that starts for nobody, a goal that "
        "can't be met.",
    ),
    "endless": Code(
        "error",
        "Flows start each other, or themselves, round and round without a pause: by `start`, by lists and traits, by the mails "
        "themselves. Told where every step of the circle is one that all runs take; `again_after` or `run_once_per: customer` "
        "ends it.",
    ),
    "goes_round": Code(
        "warning", "The same with waits in between, and without a goal or an exit that would end it some day."
    ),
    "over_cap": Code(
        "warning",
        "A flow sends more mails than a cap lets through, alone or together with flows that start on the same thing: some wait, "
        "and those that wait too long are given up. The higher `priority` goes first.",
    ),
    "short_max_age": Code(
        "error", "`max_age` is shorter than a trigger takes to be heard of: the flow would hardly ever start."
    ),
    "other_currency": Code(
        "warning",
        "With `--events`: most orders of the recording are in another currency than the shop's, so their amounts count for "
        "nothing.",
    ),
    "never_sent": Code(
        "warning",
        "With `--events`: an event, a property of it or a trait that nothing in the recording has, so that the rule or flow "
        "waits for nothing. Properties are told of events that came at least 20 times.",
    ),
    "no_date": Code(
        "warning",
        "With `--events`: a trait that a flow on `date_reached`, `birthday` or `signup_anniversary` reads is told with values "
        "that are no dates (`next tuesday`, `31.12.2026`). The flow never starts for these people.",
    ),
    # Catalog
    "unknown_product": Code("warning", "A template, rule or choice compares with a product that the catalog does not have."),
    "unknown_category": Code(
        "warning", "No product has this category, but one has almost this. Categories that only events know are fine."
    ),
    "unknown_brand": Code("warning", "No product is of this brand, but one is of one called almost so."),
    "catalog": Code("error", "A line of the catalog can't be read."),
    "duplicate_product": Code("error", "Two products have the same id."),
    # Templates
    "front_matter": Code("error", "A template starts with `---`, its `subject`, and `---`."),
    "mjml": Code("error", "The MJML is not well-formed: a tag that is never closed, or closes nothing."),
    "unknown_component": Code("error", "MJML has no such component; it would silently vanish from the mail."),
    "liquid": Code("error", "The Liquid can't be read: an `endif` too few, an unknown tag …"),
    "unknown_filter": Code("error", "There is no such filter."),
    "unknown_block": Code("error", "An `<mj-include>` or `layout` names a block that is not in `blocks/`."),
    "include_cycle": Code("error", "A block includes itself."),
    "unknown_variable": Code("error", "Nothing is called so, but something is called almost so."),
    "unknown_attribute": Code(
        "error",
        "The cart, a product, the brand … has no such attribute, or nothing that is computed of people is called so.",
    ),
    "wrong_trigger": Code(
        "error",
        "A flow sends this template, or hands on `{trigger: …}`, or has `run_once_per`, and what starts the flow does not "
        "bring what is read there.",
    ),
    "may_be_missing": Code(
        "warning",
        "Not everybody has it: a mail that reads it can't be sent to those who don't. "
        "Write `{% if first_name %}…{% endif %}` round it, or `{{ first_name | default: 'there' }}`.",
    ),
    "empty_fallback": Code(
        "warning",
        "A fallback that says nothing leaves a gap: `Hello {{ first_name | default: '' }}!` reads “Hello !”. "
        "Write `{% if first_name %} {{ first_name }}{% endif %}`.",
    ),
    "may_be_misspelt": Code(
        "warning",
        "A trait that the template asks for, or gives a default, is called almost like one that is known. "
        "A trait of your own is known when a segment or flow asks for it.",
    ),
    "missing_unsubscribe": Code("error", "A mail that needs consent has no `{{ unsubscribe_url }}`, and would not be sent."),
    "missing_alt": Code("warning", "A picture without `alt`: who sees no pictures, or can't see, reads nothing there."),
    "missing_preheader": Code("warning", "Without a preheader the inbox shows whatever the mail begins with."),
    "too_large": Code("warning", "Larger than 102 KB: Gmail cuts the mail off, often before the unsubscribe link."),
    "missing_address": Code(
        "warning",
        "A mail that needs consent does not show `{{ brand.postal_address }}`: the law of many countries (CAN-SPAM, CASL, "
        "§ 5 DDG) asks for a postal address in commercial mail.",
    ),
    "dead_branch": Code(
        "warning",
        "Nobody ever comes here: what starts the flow does not bring what is asked for, or it was decided by the conditions "
        "around and before it.",
    ),
    "broken_link": Code("error", "An address that leads nowhere: none at all, `#`, without `https://`, with a space …"),
    "insecure_link": Code("warning", "An address with `http:`: not encrypted, and programs warn of it or block the picture."),
    "dead_link": Code("warning", "With `--online`: the address was fetched, and the server does not answer or says no."),
    "masked_link": Code(
        "warning", "The link's text is an address, and the link leads to another host: this is what phishing looks like."
    ),
    "shortened_link": Code(
        "warning", "A link shortener hides where the link leads; filters distrust all of its links because of some."
    ),
    "client_support": Code(
        "warning",
        "HTML or CSS that an important mail program does not know (Gmail, Outlook, Apple Mail, Yahoo, Samsung, Thunderbird; "
        "tests of caniemail.com). What degrades gracefully, and what stands inside of `@media`, is not told.",
    ),
    "low_contrast": Code(
        "warning",
        "Text that is hard to read: its contrast against what lies behind is below 4.5, or 3 for large text (WCAG 2.2, AA); "
        "in dark mode too, where the mail says how it looks there.",
    ),
    "only_pictures": Code("warning", "Next to no words beside the pictures: many see no pictures, and filters distrust it."),
    "shouting": Code("warning", "A subject or preheader all in capitals: reads as shouting, and filters count it."),
    "loud_words": Code(
        "warning", "“Free!!!” and the like, or more than one exclamation mark in a subject: the tone of unwanted mail."
    ),
    "long_subject": Code("warning", "A subject of more than 70 characters: lists of mails cut it off."),
    "render": Code("error", "The template fails for a sample customer, so it would fail for real ones."),
    "unused_template": Code("warning", "No flow sends this template."),
    # Stories
    "unknown_person": Code("error", "A story names somebody who is not among its people, or a step like none that there is."),
    "nothing_expected": Code(
        "warning", "A story without `expect` tests nothing. `homing story` plays it and does not let it pass."
    ),
    "new_memory": Code(
        "warning",
        "With `--against`: a rule asks for something that profiles did not remember so far, so it counts from its "
        "deployment on. `homing rebuild` folds the archive once more, and starts no flows for what happened long ago.",
    ),
    "unused_block": Code("warning", "No template includes this block."),
}  # fmt: skip
