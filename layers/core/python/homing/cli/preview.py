"""``homing preview``: every mail as a person would see it."""

from __future__ import annotations

import html
import json
from pathlib import Path

import click

from homing.adapters.files import read_folder
from homing.cli.folders import campaigns_option, ready_folder
from homing.domain.content.publish import collect
from homing.domain.content.render import Renderer
from homing.domain.content.samples import samples
from homing.domain.errors import InvalidCampaign, InvalidInput

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mails of {brand}</title><style>
body{{font:16px/1.5 system-ui,sans-serif;margin:0;background:#eceae5;color:#1c1917}}
header{{padding:32px 40px 8px}} h1{{font-size:22px;margin:0}} main{{padding:24px 40px 60px;display:grid;gap:36px}}
h2{{font-size:17px;margin:0 0 4px}} p{{margin:0 0 12px;color:#57534e}}
.row{{display:flex;gap:20px;flex-wrap:wrap;align-items:flex-start}}
iframe{{border:1px solid #d6d3d1;border-radius:10px;background:#fff;height:760px}}
.desktop{{width:700px;max-width:100%}} .phone{{width:390px}}
</style><header><h1>Mails of {brand}</h1></header><main>{mails}</main></html>
"""
_MAIL = """<section><h2>{subject}</h2><p>{about} · <a href="{file}.txt">text part</a></p><div class="row">
<iframe class="desktop" src="{file}.html" title="{title}, desktop"></iframe>
<iframe class="phone" src="{file}.html" title="{title}, phone"></iframe></div></section>
"""


@click.command("preview")
@campaigns_option
@click.option("--out", default="build/preview", show_default=True, help="Folder for the pages.",
              type=click.Path(file_okay=False, path_type=Path))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the files that were written as JSON.")
def command(campaigns: Path, out: Path, as_json: bool) -> None:
    """Render every template for sample customers, with a page to look at them."""
    try:
        written = preview(campaigns, out)
    except InvalidCampaign:
        # A mistake in a file, not in how the command was called: exit 1, as check and publish do.
        raise
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(written))
    else:
        click.echo(f"{len(written) - 1} mails: open {written[0]}")


def preview(folder: Path, out: Path) -> list[str]:
    """Writes the pages and answers their paths, the index first. Raises InvalidInput, InvalidCampaign, HomingError."""
    campaigns, problems = collect(read_folder(folder))
    if campaigns is None:
        raise problems[0]
    renderer = Renderer(campaigns)
    ready_folder(out)
    mails, files = [], []
    for name in sorted(campaigns.templates):
        for sample in samples(campaigns, name):
            rendered = renderer.render(name, sample.context)
            title = f"{name}.{sample.use.flow}{'.unknown' if sample.bare else ''}"
            (out / f"{title}.html").write_text(rendered.html, encoding="utf-8")
            (out / f"{title}.txt").write_text(rendered.text, encoding="utf-8")
            files.append(str(out / f"{title}.html"))
            person = "somebody of whom nothing is known" if sample.bare else "a customer known by name"
            about = html.escape(f"{name}, sent by {sample.use.flow} to {person}")
            mails.append(_MAIL.format(subject=html.escape(rendered.subject), about=about, file=title, title=title))
    index = out / "index.html"
    brand = html.escape(campaigns.settings.brand.name)
    index.write_text(_PAGE.format(brand=brand, mails="".join(mails)), encoding="utf-8")
    return [str(index), *files]
