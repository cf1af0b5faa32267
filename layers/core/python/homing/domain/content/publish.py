"""From the files of ``layers/campaigns`` to the bundle that every function reads.

settings.yaml                brand, topics, hours
segments/*.yaml              one segment a file
attributes/*.yaml            one attribute with stages (lifecycle, persona) a file
choices/*.yaml               who gets which variant of a content, one choice a file
codes/*.yaml                 discount codes that flows grant, one kind a file
flows/*.yaml                 one flow a file
templates/*.mjml             one template a file: front matter with the subject, then MJML with Liquid
templates/*.txt              its text part, where the one made from the HTML is not good enough
blocks/*.mjml                what templates share; blocks/layout.mjml goes round each of them
catalog/products.csv         the products (or .jsonl, .yaml)
catalog/related.json         which of them go together, as `homing recommend` counts it
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from homing.domain.attributes.language import StagedAttribute
from homing.domain.campaigns import Campaigns, Product, Settings, Template
from homing.domain.codes.check import unknown_codes, unknown_segments
from homing.domain.codes.language import DiscountCode
from homing.domain.content.catalog import read_catalog, read_related
from homing.domain.content.choices.check import wrong_choices
from homing.domain.content.choices.language import Choice
from homing.domain.content.problems import M, validate
from homing.domain.content.references import cycles, unknown
from homing.domain.content.settings import wrong_settings
from homing.domain.content.stages import wrong_stages
from homing.domain.content.template_source import TemplateSource, publish_template, read_template
from homing.domain.content.yaml_source import Located, parse_yaml
from homing.domain.errors import InvalidCampaign
from homing.domain.flows.language import Flow
from homing.domain.recommend.related import Related
from homing.domain.segments.language import Segment

FOLDERS = ("segments", "attributes", "choices", "codes", "flows", "templates", "blocks", "catalog")


@dataclass(slots=True)
class Sources:
    """What was read, with the places of everything: for deeper checks than publishing needs."""

    settings: Located | None = None
    segments: dict[str, Located] = field(default_factory=dict)
    attributes: dict[str, Located] = field(default_factory=dict)
    choices: dict[str, Located] = field(default_factory=dict)
    codes: dict[str, Located] = field(default_factory=dict)
    flows: dict[str, Located] = field(default_factory=dict)
    templates: dict[str, TemplateSource] = field(default_factory=dict)
    parsed_settings: Settings | None = None
    parsed_segments: dict[str, Segment] = field(default_factory=dict)
    parsed_attributes: dict[str, StagedAttribute] = field(default_factory=dict)
    parsed_choices: dict[str, Choice] = field(default_factory=dict)
    parsed_codes: dict[str, DiscountCode] = field(default_factory=dict)
    parsed_flows: dict[str, Flow] = field(default_factory=dict)
    parsed_templates: dict[str, Template] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    related: Related = field(default_factory=Related)
    problems: list[InvalidCampaign] = field(default_factory=list)


def publish(files: Mapping[str, bytes]) -> Campaigns:
    """The bundle. Keys are paths relative to the campaigns folder. Raises the first InvalidCampaign."""
    campaigns, problems = collect(files)
    if campaigns is None:
        raise problems[0]
    return campaigns


def collect(files: Mapping[str, bytes]) -> tuple[Campaigns | None, list[InvalidCampaign]]:
    """The bundle, or None with every mistake, in the order of files and lines."""
    sources = read(files)
    return bundle(files, sources), sources.problems


def bundle(files: Mapping[str, bytes], sources: Sources) -> Campaigns | None:
    """The bundle of what was read; None when there are mistakes."""
    if sources.problems or sources.parsed_settings is None:
        return None
    return Campaigns(
        format=1,
        revision=revision(files),
        settings=sources.parsed_settings,
        segments=sources.parsed_segments,
        attributes=sources.parsed_attributes,
        choices=sources.parsed_choices,
        codes=sources.parsed_codes,
        flows=sources.parsed_flows,
        templates=sources.parsed_templates,
        products=sources.products,
        related=sources.related,
    )


def revision(files: Mapping[str, bytes]) -> str:
    """12 hexadecimal digits that change with any file."""
    digest = hashlib.sha256()
    for file in sorted(files):
        if _owned(file):
            digest.update(f"{file}\0{len(files[file])}\0".encode())
            digest.update(files[file])
    return digest.hexdigest()[:12]


def read(files: Mapping[str, bytes]) -> Sources:
    """Everything that could be read, and everything that could not."""
    sources = Sources()
    problems = sources.problems
    if "settings.yaml" not in files:
        problems.append(InvalidCampaign("settings.yaml is missing", code="missing_file", file="settings.yaml"))
    else:
        try:
            sources.settings = parse_yaml(files["settings.yaml"], "settings.yaml")
            sources.parsed_settings, found = validate(Settings, sources.settings)
            problems += found
            problems += wrong_settings(sources.settings)
        except InvalidCampaign as problem:
            problems.append(problem)
    problems += _documents(files, "segments", Segment, sources.segments, sources.parsed_segments)
    problems += _documents(files, "attributes", StagedAttribute, sources.attributes, sources.parsed_attributes)
    problems += _documents(files, "choices", Choice, sources.choices, sources.parsed_choices)
    problems += _documents(files, "codes", DiscountCode, sources.codes, sources.parsed_codes)
    problems += _documents(files, "flows", Flow, sources.flows, sources.parsed_flows)
    for file in _of(files, "templates", ".mjml"):
        problems += _template(files, file, sources)
    sources.products, found = read_catalog(files)
    problems += found
    try:
        sources.related = read_related(files)
    except InvalidCampaign as problem:
        problems.append(problem)
    problems += _references(files, sources)
    problems += _strangers(files)
    problems.sort(key=lambda problem: (problem.file, problem.line, problem.column))
    return sources


def _template(files: Mapping[str, bytes], file: str, sources: Sources) -> list[InvalidCampaign]:
    name = _stem(file)
    try:
        source = sources.templates[name] = read_template(files, file)
        if problems := source.problems():
            return problems
        if sources.parsed_settings is not None:
            sources.parsed_templates[name] = publish_template(source, sources.parsed_settings.brand)
    except InvalidCampaign as problem:
        return [problem]
    return []


def _references(files: Mapping[str, bytes], sources: Sources) -> Iterator[InvalidCampaign]:
    segments = {_stem(file) for file in _of(files, "segments", ".yaml")}
    staged = {_stem(file) for file in _of(files, "attributes", ".yaml")}
    templates = {_stem(file) for file in _of(files, "templates", ".mjml")}
    topics = sources.parsed_settings.topics if sources.parsed_settings else None
    # A flow with mistakes of its own may still be the one that is meant.
    requested = {
        name
        for name in sources.flows
        if name not in sources.parsed_flows or sources.parsed_flows[name].on.kind == "flow_requested"
    }
    others = {"flow": requested, "webhook": written_names(sources.settings, "webhooks")}
    for folder in (sources.segments, sources.attributes, sources.choices, sources.flows):
        flows = others if folder is sources.flows else None
        for located in folder.values():
            yield from unknown(
                located, segments=segments, templates=templates, topics=topics, staged=staged, flows=flows
            )
    yield from cycles(sources.segments)
    yield from wrong_stages(sources.attributes, sources.segments)
    yield from unknown_codes(sources.flows, sources.codes)
    yield from unknown_segments(sources.codes, segments)
    yield from wrong_choices(sources.parsed_choices, sources.choices, staged)


def written_names(settings: Located | None, key: str) -> list[str]:
    """The names below a key of the settings, also where something there is wrong: that is told at its place."""
    held = settings.value.get(key) if settings is not None and isinstance(settings.value, dict) else None
    return [str(name) for name in held] if isinstance(held, dict) else []


def _documents(
    files: Mapping[str, bytes], folder: str, model: type[M], located: dict[str, Located], parsed: dict[str, M]
) -> Iterator[InvalidCampaign]:
    for file in _of(files, folder, ".yaml"):
        name = _stem(file)
        try:
            document = parse_yaml(files[file], file)
        except InvalidCampaign as problem:
            yield problem
            continue
        located[name] = document
        if isinstance(document.value, dict):
            # The file's name is the name; who writes it down as well must write the same.
            written = document.value.setdefault("name", name)
            if written != name:
                yield document.error(
                    f"the name {written!r} differs from the file's, {name!r}", code="name_mismatch", path=("name",)
                )
        one, problems = validate(model, document)
        yield from problems
        if one is not None:
            parsed[name] = one


def _strangers(files: Mapping[str, bytes]) -> Iterator[InvalidCampaign]:
    """Files that look as if they should do something and would not."""
    expected = {
        "segments": (".yaml",),
        "attributes": (".yaml",),
        "choices": (".yaml",),
        "codes": (".yaml",),
        "flows": (".yaml",),
        "templates": (".mjml", ".txt"),
        "blocks": (".mjml",),
        "stories": (".yaml",),
    }
    for file in sorted(files):
        folder, _, rest = file.partition("/")
        if folder in expected and rest and not rest.startswith("."):
            if not rest.endswith(expected[folder]):
                wanted = " or ".join(expected[folder])
                yield InvalidCampaign(f"files in {folder}/ end in {wanted}", code="unknown_file", file=file)
            elif folder != "blocks" and "/" in rest:
                yield InvalidCampaign(f"{folder}/ has no folders of its own", code="unknown_file", file=file)
            elif rest.endswith(".txt") and f"{file.removesuffix('.txt')}.mjml" not in files:
                yield InvalidCampaign("there is no .mjml template of this name", code="unknown_file", file=file)


def _owned(file: str) -> bool:
    return file == "settings.yaml" or file.startswith(tuple(f"{folder}/" for folder in FOLDERS))


def _of(files: Mapping[str, bytes], folder: str, suffix: str) -> list[str]:
    prefix = f"{folder}/"
    return sorted(
        file for file in files if file.startswith(prefix) and file.endswith(suffix) and "/" not in file[len(prefix) :]
    )


def _stem(file: str) -> str:
    return file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
