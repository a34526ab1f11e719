"""Make the invented spreadsheet of an association: 42 people, before and after, kept by hand.

Run it to write the workbook again: ``python make.py``. It has what such a sheet has: two title
rows, a header on two levels, decimal commas, answers not given written in several ways, a blank
row, a row of totals. The truth is in `truth.json`.
"""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from openpyxl import Workbook

SEED = 20_240_214
PEOPLE = 42
CHANGE = 0.9  # on life satisfaction, from 0 to 10
HOURS = 2.2  # of activity a week
NOT_GIVEN = ("NSP", "nr", "-", "")
HERE = Path(__file__).parent


def rows(rng: np.random.Generator) -> list[list[object]]:
    """Make one row per person: two measures of two outcomes, side by side."""
    table: list[list[object]] = []
    for number in range(1, PEOPLE + 1):
        level = rng.normal(4.6, 1.5)
        entry = int(np.clip(np.rint(level + rng.normal(0, 0.7)), 0, 10))
        exit_ = int(np.clip(np.rint(level + CHANGE + rng.normal(0, 0.9)), 0, 10))
        hours = max(rng.normal(4, 2.5), 0)
        later = max(hours + HOURS + rng.normal(0, 1.5), 0)
        told: list[object] = [entry, exit_, f"{hours:.1f}".replace(".", ","), round(later, 1)]
        for place in (1, 3):
            if rng.random() < 0.08:
                told[place] = NOT_GIVEN[int(rng.integers(len(NOT_GIVEN)))]
        table.append([f"A{number:02d}", *told])
    return table


def workbook(table: list[list[object]]) -> Workbook:
    """Lay the rows out as a team keeps them."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Suivi 2024"
    sheet.append(["Association d’exemple — suivi des participants"])
    sheet.append(["Année 2024, données inventées"])
    sheet.append(["Code", "Satisfaction (0 à 10)", None, "Heures d’activité par semaine", None])
    sheet.append([None, "Entrée", "Sortie", "Entrée", "Sortie"])
    sheet.merge_cells("B3:C3")
    sheet.merge_cells("D3:E3")
    for i, row in enumerate(table):
        if i == 20:
            sheet.append([])
        sheet.append(row)
    numbers = [row[1] for row in table if isinstance(row[1], int)]
    sheet.append(["Total", sum(numbers), None, None, None])
    return book


def fixed(book: Workbook) -> bytes:
    """Return the file without the time it was made, so that the bytes never change."""
    import datetime

    moment = datetime.datetime(2024, 12, 20)
    book.properties.created = book.properties.modified = moment
    raw = BytesIO()
    book.save(raw)
    out = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "docProps/core.xml":
                start = content.index(b"<dcterms:modified")
                stop = content.index(b"</dcterms:modified>") + len(b"</dcterms:modified>")
                content = content[:start] + content[stop:]
            new.writestr(zipfile.ZipInfo(name, (2024, 12, 20, 0, 0, 0)), content)
    return out.getvalue()


def main() -> None:
    """Write the workbook and its truth."""
    rng = np.random.default_rng(SEED)
    (HERE / "suivi.xlsx").write_bytes(fixed(workbook(rows(rng))))
    told = {
        "seed": SEED,
        "change_before_rounding_and_clipping": {"satisfaction": CHANGE, "heures": HOURS},
        "note": "Invented data: no real person, no real place.",
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (HERE / "truth.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
