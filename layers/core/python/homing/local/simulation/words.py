"""Names and places for invented customers: common first and family names of each country, nobody in particular."""

from __future__ import annotations

from typing import NamedTuple


class Land(NamedTuple):
    """A country with its customers' share, zones, locale and names."""

    code: str
    share: int
    zones: tuple[str, ...]
    locale: str
    first_names: str
    last_names: str
    cities: str


LANDS: tuple[Land, ...] = (
    Land(
        "DE",
        34,
        ("Europe/Berlin",),
        "de-DE",
        "Anna Lukas Marie Jonas Lena Felix Clara Moritz Johanna Paul Greta Emil Frieda Jakob Mara Theo Nele Anton Ida",
        "Müller Schneider Weber Wagner Becker Hoffmann Koch Richter Wolf Neumann Schwarz Krüger Hartmann Lange Vogel",
        "Berlin Hamburg Köln Leipzig München Bremen Freiburg",
    ),
    Land(
        "AT",
        10,
        ("Europe/Vienna",),
        "de-AT",
        "Sophie Maximilian Valentina Elias Katharina Florian Magdalena Matthias Theresa Simon",
        "Gruber Huber Bauer Pichler Steiner Moser Mayer Hofer Leitner Berger",
        "Wien Graz Linz Salzburg Innsbruck",
    ),
    Land(
        "CH",
        8,
        ("Europe/Zurich",),
        "de-CH",
        "Noah Mia Luca Elena Nico Alina Gian Seraina Reto Livia",
        "Meier Keller Baumann Frei Zimmermann Brunner Gerber Widmer Roth Bianchi",
        "Zürich Basel Bern Luzern Lugano",
    ),
    Land(
        "NL",
        10,
        ("Europe/Amsterdam",),
        "nl-NL",
        "Daan Sanne Sem Lotte Bram Fleur Thijs Anouk Jesse Noor",
        "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks",
        "Amsterdam Utrecht Rotterdam Groningen Haarlem",
    ),
    Land(
        "FR",
        12,
        ("Europe/Paris",),
        "fr-FR",
        "Camille Hugo Chloé Louis Inès Gabriel Manon Jules Léa Arthur Zoé Raphaël",
        "Martin Bernard Dubois Moreau Laurent Girard Lefèvre Roux Fournier Mercier",
        "Paris Lyon Nantes Bordeaux Lille Strasbourg",
    ),
    Land(
        "GB",
        14,
        ("Europe/London",),
        "en-GB",
        "Olivia George Isla Arthur Freya Harry Poppy Oscar Amelia Alfie Rosie Leo",
        "Taylor Davies Evans Walker Wright Green Hughes Carter Mitchell Cooper",
        "London Bristol Leeds Edinburgh Cardiff Manchester",
    ),
    Land(
        "IE",
        4,
        ("Europe/Dublin",),
        "en-IE",
        "Aoife Conor Saoirse Cian Niamh Oisín Róisín Darragh",
        "Murphy Kelly Byrne Ryan Walsh Doyle Nolan Quinn",
        "Dublin Cork Galway Limerick",
    ),
    Land(
        "US",
        8,
        ("America/New_York", "America/Chicago", "America/Los_Angeles"),
        "en-US",
        "Emma Mason Harper Ethan Avery Logan Stella Caleb Hazel Owen",
        "Johnson Garcia Miller Anderson Thompson Nguyen Ramirez Scott Rivera Brooks",
        "Portland Chicago Austin Boston Denver",
    ),
)

# RFC 2606 and 6761 names: nobody can ever be reached there.
MAIL_DOMAINS = ("mail.example", "post.example", "inbox.example", "example.com", "example.org", "example.net")
