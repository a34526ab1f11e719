"""A catalogue read table by table is the one read whole, however its files are written."""

from __future__ import annotations

import tomllib

import pytest

from impact_eval.report.texts import own_folder, read_topics
from impact_eval.report.topics import Topics

ODD = {
    "a text over lines": 'a = """\n[x]\ny"""\n[b]\nc = "1"\n',
    "a heading in quotes": '["a b"]\nc = "1"\n[d]\ne = "2"\n',
    "a remark behind a heading": 'k = "v"\n[a] # said\nb = "2"\n[c]\nd = "1"\n',
    "a list over lines": 'a = [\n["x"],\n]\n[b]\nc = "1"\n',
    "several tables of one name": '[[a]]\nb = "1"\n[[a]]\nb = "2"\n',
    "tables inside one another": 'a = "0"\n\n[b]\nc = "1"\n[b.d]\ne = "2"\n[b.d.f]\ng = "3"\n',
    "keys with dots": '[a]\nb.c = "1"\n[a.d]\ne = "2"\n',
    "nothing": "",
}


def flat(text: str) -> dict[str, str]:
    """Return what a file holds, by paths."""

    def paths(table: dict[str, object], above: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for key, held in table.items():
            inside = isinstance(held, dict)
            found |= paths(held, f"{above}{key}.") if inside else {above + key: repr(held)}
        return found

    return paths(tomllib.loads(text))


@pytest.mark.parametrize("name", ODD)
def test_each_code_is_found_wherever_it_stands(name: str) -> None:
    whole = flat(ODD[name])
    for key, held in whole.items():
        assert Topics({"file": ODD[name]}, flat)[key] == held
    topics = Topics({"file": ODD[name]}, flat)
    assert "not.there" not in topics
    assert dict(topics) == whole


@pytest.mark.parametrize("language", ["fr", "en"])
def test_our_catalogue_is_read_by_tables(language: str) -> None:
    """One sentence asked for reads one table, of a thousand; all of them give the whole."""
    texts, clashes = read_topics(own_folder(), language)
    assert clashes == ()
    read: list[int] = []

    def parse(text: str) -> dict[str, str]:
        read.append(len(text))
        return flat(text)

    room = own_folder().joinpath(language)
    files = {file.name: file.read_text(encoding="utf-8") for file in room.iterdir()}
    topics = Topics(files, parse)
    assert "un nombre" in topics["report.withheld_count"] or language == "en"
    assert sum(read) < 5_000 < sum(map(len, files.values())) / 50
    held: dict[str, str] = {}
    for text in files.values():
        held |= flat(text)
    assert dict(topics) == held
    assert set(texts) <= set(held)
