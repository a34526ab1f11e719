"""Columns that name people: recognised by their heading or by their cells, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.headings import PersonalKind as Kind
from impact_eval.data.headings import heading_words, kind_of_heading
from impact_eval.data.identity import (
    MOST_CELLS,
    Sign,
    distinct_cells,
    identify,
    identifying_columns,
    identity_finding,
)

NAMES = ["Durand", "Martin", "Ndiaye", "Lefèvre", "O’Brien", "D’Angelo"]
BOTH = ["DURAND Marie", "MARTIN Léo", "NDIAYE Awa", "Jean-Paul LEFÈVRE", "LE GOFF Anne"]
PHONES = [
    "06 12 34 56 78",
    "07.12.34.56.79",
    "+33 6 12 34 56 70",
    "0033612345671",
    "04-74-00-00-01",
]
MAILS = ["a.b@exemple.fr", "marie@example.org", "x_y@mairie.gouv.fr"]
NIRS = ["1 85 05 78 045 084 36", "2850578045084", "185052A04508499", "2 99 12 2B 033 001 12"]
DATES = ["02/03/1985", "15/11/1990", "1978-07-01", "1.4.2001"]
STREETS = ["12 rue des Lilas", "3 bis avenue Jaurès", "104, bd Voltaire", "7 impasse du Puits"]
IBANS = ["FR76 3000 6000 0112 3456 7890 189", "FR1420041010050500013M02606"]

NAMED = [
    ("Nom", NAMES, Kind.SURNAME),
    ("NOM DE NAISSANCE", NAMES, Kind.SURNAME),
    ("Nom d’usage", NAMES, Kind.SURNAME),
    ("Nom de l’enfant", NAMES, Kind.SURNAME),
    ("Nom d'épouse", NAMES, Kind.SURNAME),
    ("№ allocataire", ["1234567", "7654321"], Kind.BENEFIT_NUMBER),
    ("NomUsage", NAMES, Kind.SURNAME),
    ("nom_référent", NAMES, Kind.SURNAME),
    ("Last name", NAMES, Kind.SURNAME),
    ("Surname", NAMES, Kind.SURNAME),
    ("Prénom", ["Ana", "Léo", "Awa"], Kind.FIRST_NAME),
    ("prenom_1", ["Ana", "Léo"], Kind.FIRST_NAME),
    ("First name", ["Ana", "Léo"], Kind.FIRST_NAME),
    ("Nom et prénom", BOTH, Kind.FULL_NAME),
    ("NIR", NIRS, Kind.SOCIAL_SECURITY),
    ("N° sécu", NIRS, Kind.SOCIAL_SECURITY),
    ("Numéro de sécurité sociale", NIRS, Kind.SOCIAL_SECURITY),
    ("Courriel", MAILS, Kind.EMAIL),
    ("E-mail", MAILS, Kind.EMAIL),
    ("adresse mail", MAILS, Kind.EMAIL),
    ("Tél.", PHONES, Kind.PHONE),
    ("Téléphone portable", ["612345678", "712345679"], Kind.PHONE),
    ("mobile", PHONES, Kind.PHONE),
    ("contact urgence", ["712345678", "712345679"], Kind.CONTACT),
    ("Personne à prévenir", ["sa sœur", "M. Petit"], Kind.CONTACT),
    ("Date de naissance", DATES, Kind.BIRTH_DATE),
    ("Né(e) le", DATES, Kind.BIRTH_DATE),
    ("ddn", DATES, Kind.BIRTH_DATE),
    ("birth date", DATES, Kind.BIRTH_DATE),
    ("Adresse", STREETS, Kind.ADDRESS),
    ("rue", STREETS, Kind.ADDRESS),
    ("N° allocataire", ["1234567", "7654321"], Kind.BENEFIT_NUMBER),
    ("Matricule CAF", ["1234567A", "7654321B"], Kind.BENEFIT_NUMBER),
    ("Numéro France Travail", ["1234567A", "7654321B"], Kind.BENEFIT_NUMBER),
    ("identifiant Pôle emploi", ["1234567A", "7654321B"], Kind.BENEFIT_NUMBER),
    ("Nachname", NAMES, Kind.SURNAME),
    ("Vorname", ["Ana", "Léo"], Kind.FIRST_NAME),
    ("Geburtsdatum", DATES, Kind.BIRTH_DATE),
    ("IBAN", IBANS, Kind.IBAN),
    ("ipaddr", ["192.168.1.12", "10.0.0.4"], Kind.NETWORK),
]
SHOWN = [  # by their cells alone
    ("remarque", NIRS, Kind.SOCIAL_SECURITY),
    ("col_7", MAILS, Kind.EMAIL),
    ("joindre", PHONES, Kind.PHONE),
    ("joindre", ["612345678", "712345679", "698765432"], Kind.PHONE),  # zeros lost by a spreadsheet
    ("versement", IBANS, Kind.IBAN),
    ("domiciliation", STREETS, Kind.ADDRESS),
    ("code", BOTH, Kind.FULL_NAME),
    ("id", ["Marie Durand", "Léo Martin", "Awa Ndiaye"], Kind.FULL_NAME),
]
LISTED = ["marie durand", "karim benali", "Jean-Pierre PETIT", "FATOU DIALLO", "Mme Odile Roux"]
SHOWN += [
    ("col_3", LISTED, Kind.FULL_NAME),
    ("conjoint", ["Marie", "karim", "Zoé", "PAUL", "Tchaka"], Kind.FIRST_NAME),
    (
        "champ 12",
        ["Diallo, Fatou", "Roux, Paul", "Petit, Anne", "Ma, Xi", "Bo, Ly"],
        Kind.FULL_NAME,
    ),
]
TOWNS = ["Bourg-en-Bresse", "Saint Denis", "Le Mans", "Gex", "Villefranche Sud"]
NOT_NAMED = [
    ("commune", TOWNS),
    ("nom_commune", TOWNS),
    ("Nom de la commune", TOWNS),
    ("libellé", TOWNS),
    ("bassin", TOWNS),
    ("Territoire", ["Grand Lyon", "Val Saône", "Pays Bressan"]),
    ("nom de l’action", ["Atelier cuisine", "Permis de conduire"]),
    ("Nom de l'atelier", ["Cuisine", "Permis de conduire"]),
    ("intitulé / nom du projet", ["Cuisine", "Permis de conduire"]),
    ("NOM DE L’ASSOCIATION", ["Roue Libre", "Secours populaire"]),
    ("nom d’établissement", ["Les Lilas", "Jean Moulin"]),
    ("nom des ateliers suivis", ["Cuisine", "Permis de conduire"]),
    ("Workshop name", ["Cooking", "Driving licence"]),
    ("Noms des projets", ["Roue Libre", "Jardins partagés"]),
    ("Vous n’êtes pas allocataire de la CAF", ["1", "2", "3"]),
    ("Vous n'êtes pas allocataire de la CAF", ["1", "2", "3"]),
    ("Nom structure", ["Mission locale", "Secours populaire"]),
    ("nombre", ["1", "2", "3"]),
    ("nombre de téléphones", ["1", "2"]),
    ("nb_mails", ["0", "4"]),
    ("SIRET", ["12345678901234", "98765432109876"]),
    ("SIREN", ["612345678", "712345679"]),
    ("date d’entrée", DATES),
    ("date_sortie", ["2024-01-02", "2024-02-03"]),
    ("date de naissance", ["oui", "non"]),
    ("année de naissance", ["1985", "1990", "1978"]),
    ("mobile", ["0", "1"]),
    ("email", ["oui", "non"]),
    ("téléphone", ["oui", "non"]),
    ("allocataire", ["oui", "non"]),
    ("allocataire_rsa", ["0", "1"]),
    ("nomenclature", ["A1", "B2"]),
    ("dep", ["01", "2A", "38"]),
    ("codgeo", ["01053", "2A004", "38185"]),
    ("revenu", ["1200", "950.5", "2310"]),
    ("id", ["P001", "P002", "P003"]),
    ("montant", ["612345", "712345"]),
    ("q1", ["Plutôt d’accord", "Tout à fait d’accord"]),
    ("horodatage", ["1700000000000", "1700000360000"]),
    ("nom", []),
    ("libellé", ["Saint Denis", "Sainte Marie", "St Paul", "Saint Michel", "Saint Pierre"]),
    ("école", ["Jean Moulin", "Jules Ferry", "Louise Michel", "Paul Bert", "Anne Frank"]),
    ("remarque", ["a vu Marie le 3 mai à la mairie", "RAS", "absent", "revient", "à voir"]),
]


@pytest.mark.parametrize(("heading", "cells", "kind"), NAMED)
def test_a_heading_that_names_people(heading: str, cells: list[str], kind: Kind) -> None:
    assert identify(heading, cells) == (kind, Sign.HEADING)


@pytest.mark.parametrize(("heading", "cells", "kind"), SHOWN)
def test_cells_that_name_people(heading: str, cells: list[str], kind: Kind) -> None:
    assert kind_of_heading(heading) is None
    assert identify(heading, cells) == (kind, Sign.CONTENT)


@pytest.mark.parametrize(("heading", "cells"), NOT_NAMED)
def test_what_names_nobody(heading: str, cells: list[str]) -> None:
    assert identify(heading, cells) is None


def test_headings_are_read_without_case_accents_nor_signs() -> None:
    assert heading_words("  N° Sécu. 2 ") == ("n", "secu")
    assert heading_words("dateNaissance") == ("date", "naissance")
    for apostrophe in "'’ʼ":
        assert heading_words(f"nom de l{apostrophe}Action") == ("nom", "de", "action")
    assert heading_words("Né·e le") == ("ne", "e", "le")
    assert heading_words("pre\u0301nom\u00ad") == ("prenom",)


def test_numbers_read_as_floats_are_seen() -> None:
    """A spreadsheet gives 07 12 34 56 78 as 712345678.0, and a NIR as a float with a gap."""
    table = pd.DataFrame(
        {
            "tel": [712345678.0, np.nan, 612345679.0],
            "numero": [185057804508436.0, 285057804508437.0, np.nan],
            "né le": pd.to_datetime(["1985-03-02", None, "1990-11-15"]),
        }
    )
    found = {c.column: c.kind for c in identifying_columns(table)}
    assert found == {
        "tel": Kind.PHONE,
        "numero": Kind.SOCIAL_SECURITY,
        "né le": Kind.BIRTH_DATE,
    }


def test_a_post_code_counts_beside_an_address_only() -> None:
    alone = pd.DataFrame({"code postal": ["01000", "75011"], "y": [1, 2]})
    assert identifying_columns(alone) == ()
    beside = alone.assign(adresse=STREETS[:2])
    assert [c.column for c in identifying_columns(beside)] == ["code postal", "adresse"]


def test_the_name_of_a_territory_is_no_surname() -> None:
    table = pd.DataFrame({"nom": TOWNS, "y": range(5)})
    assert identifying_columns(table, rows_are=RowsAre.TERRITORIES) == ()
    assert [c.kind for c in identifying_columns(table)] == [Kind.SURNAME]


def test_a_list_to_choose_from_is_no_address() -> None:
    table = pd.DataFrame({"adresse": ["stable", "hébergé", "sans"] * 20})
    assert identifying_columns(table) == ()


def test_the_warning_counts_columns_and_kinds() -> None:
    table = pd.DataFrame({"Nom": NAMES[:3], "nom usage": NAMES[3:], "Tél": PHONES[:3]})
    finding = identity_finding(identifying_columns(table))
    assert finding is not None
    assert finding.values["n"] == 3
    assert finding.values["kinds"] == ("person_surname", "person_phone")
    assert finding.values["columns"] == ("Nom", "nom usage", "Tél")
    assert identity_finding(()) is None


def test_distinct_answers_are_the_first_of_a_long_column_wherever_they_are() -> None:
    many = [f"P{i}" for i in range(30_000)]
    assert distinct_cells(pd.Series([*many, None])) == many[:MOST_CELLS]
    late = pd.Series([None, "a", "b"] * 10_000 + ["c", 1.0])
    assert distinct_cells(late) == ["a", "b", "c", "1"]
