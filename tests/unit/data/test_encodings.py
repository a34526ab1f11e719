"""Old encodings are told apart by the letters that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact_eval.data.encodings import OLD_ENCODINGS, old_encoding
from impact_eval.data.reading import read_table

TABLES = (
    "Prénom;Année;Né à\nZoé;2024;Sète\nLoïc;2024;Évreux\n",
    "id;Énergie;Logé(e)\nA;où;à l'hôtel\nB;là;chez ses parents\n",
    "id;réponse\nA;ça va bien\nB;plutôt pas d'accord\nC;gêné(e)\n",
    "id;Durée;Société\nA;3;Crédit coopératif\n",
)


@pytest.mark.parametrize("encoding", OLD_ENCODINGS)
@pytest.mark.parametrize("text", TABLES)
def test_a_table_in_an_old_encoding_is_read_as_it_was_written(
    tmp_path: Path, text: str, encoding: str
) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    frame = read_table(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text(text, encoding="utf-8")
    assert frame.equals(read_table(tmp_path / "u.csv"))
    assert frame.attrs["reading"]["encoding"] == encoding


@pytest.mark.parametrize(
    "text",
    ["L’œuvre d’Anaïs – 12 € …", "Žižek;Škoda", "25 °C ; 3 €",
     "n° 1 « à côté »", "Muñoz;São;Straße", "½ ± 3"],
)  # fmt: skip
def test_what_windows_writes_stays_what_windows_reads(text: str) -> None:
    assert old_encoding(text.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_two_bytes_a_sign_without_their_mark_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes("id;âge\nA;34\nB;41\n".encode(encoding))
    frame = read_table(tmp_path / "t.csv")
    assert frame["âge"].tolist() == [34, 41]
