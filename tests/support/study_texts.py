"""The study file and the value map that several small studies share, and where they differ."""

from __future__ import annotations

ROLES = 'unit = "id"\ntreatment = "aide"'
SECOND = """[[outcomes]]
id = "sante"
label = { fr = "Santé", en = "Health" }
column = "sante"
unit = "share"
"""


def study_text(
    *,
    randomised: bool | None = None,
    roles: str = ROLES,
    method: str = "difference_in_means",
    covariance: str = "",
    outcomes: str = "",
    carte: str = "carte.toml",
    report: str = "",
) -> str:
    """Return a study of work, with a value map: one outcome, and others where they are given."""
    drawn = "" if randomised is None else f"[protocol]\nrandomised = {str(randomised).lower()}\n"
    asked = f'covariance = "{covariance}"\n' if covariance else ""
    return f"""schema = "impact-eval/study/1"
[study]
id = "essai"
title = {{ fr = "Essai", en = "Trial" }}
territory = "01"
pillar = "emploi"
action = {{ fr = "Accompagnement", en = "Support" }}
period = ["2024-01", "2024-12"]
{drawn}[data]
file = "donnees.csv"
[data.roles]
{roles}
[method]
name = "{method}"
{asked}[[outcomes]]
id = "emploi"
label = {{ fr = "Emploi", en = "Employment" }}
column = "emploi"
unit = "share"
primary = true
{outcomes}[value]
map = "{carte}"
{report}"""


def map_text(
    line: str, *, stakeholder: str = "Bénéficiaires", outcome: str = "Emploi", proxy: int = 1000
) -> str:
    """Return a map of one grant and one line, which says the rest of itself."""
    return f"""schema = "impact-eval/value-map/1"
[map]
currency = "EUR"
price_year = 2025
discount_rate = "0.035"
follow_up = 1
[[inputs]]
id = "subvention"
stakeholder = "Département"
payer = "departement"
amount = 10000
currency = "EUR"
price_year = 2025
[[lines]]
id = "ligne"
stakeholder = "{stakeholder}"
outcome = "{outcome}"
kind = "non_market"
receiver = "beneficiary"
currency = "EUR"
price_year = 2025
proxy = {proxy}
{line}"""
