"""``python -m homing.local.caniemail caniemail.json``: the table of what important clients don't support, from
caniemail's data (https://www.caniemail.com, MIT, by HTeuMeuLeu)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import homing.domain.content as content

TABLE = Path(content.__file__).parent / "data" / "clients.json"
# The clients that most mail is read in: name, then family and platform in caniemail's data.
CLIENTS: dict[str, tuple[str, str]] = {
    "Gmail": ("gmail", "desktop-webmail"),
    "Gmail on iOS": ("gmail", "ios"),
    "Gmail on Android": ("gmail", "android"),
    "Outlook on Windows": ("outlook", "windows"),
    "Outlook on macOS": ("outlook", "macos"),
    "Outlook on iOS": ("outlook", "ios"),
    "Outlook on Android": ("outlook", "android"),
    "Outlook.com": ("outlook", "outlook-com"),
    "Apple Mail": ("apple-mail", "macos"),
    "iPhone Mail": ("apple-mail", "ios"),
    "Yahoo": ("yahoo", "desktop-webmail"),
    "Samsung Email": ("samsung-email", "android"),
    "Thunderbird": ("thunderbird", "macos"),
}


def table(data: Mapping[str, Any]) -> dict[str, Any]:
    """Features that at least one important client lacks in its latest version that was tested, with those clients."""
    names = list(CLIENTS)
    features: dict[str, Any] = {}
    for feature in data["data"]:
        if feature["category"] not in {"html", "css", "image"}:
            continue
        lacking = [
            names.index(name)
            for name, (family, platform) in CLIENTS.items()
            if _latest(feature["stats"].get(family, {}).get(platform, {})).startswith("n")
        ]
        if lacking:
            features[feature["slug"]] = [feature["title"], lacking]
    return {
        "source": "https://www.caniemail.com",
        "licence": "MIT",
        "copyright": "caniemail, HTeuMeuLeu",
        "as_of": str(data["last_update_date"])[:10],
        "clients": names,
        "features": features,
    }


def _latest(versions: Mapping[str, str]) -> str:
    """What was found of the last version in the list, which is in order of time."""
    return list(versions.values())[-1] if versions else "u"


def main() -> None:
    """Writes the table beside the code that reads it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="caniemail.json")
    source: Path = parser.parse_args().source
    made = table(json.loads(source.read_text(encoding="utf-8")))
    lines = ",\n".join(f"    {json.dumps(slug)}: {json.dumps(found)}" for slug, found in made.pop("features").items())
    head = json.dumps(made, indent=2)[:-2]
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(f'{head},\n  "features": {{\n{lines}\n  }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
