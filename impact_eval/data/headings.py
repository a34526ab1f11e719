"""What the heading of a column says it holds: a person's name, number, address… or none of these.

A heading is cut into words without accents or case (`N° Sécu` → n, secu; `NomUsage` → nom, usage)
and held against lists of words. A word of number or of place next to a name (« nombre de »,
« nom de la commune ») means that no person is named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType


class PersonalKind(StrEnum):
    """What a column says of a person."""

    SURNAME = "person_surname"
    FIRST_NAME = "person_first_name"
    FULL_NAME = "person_full_name"
    SOCIAL_SECURITY = "person_social_security"
    EMAIL = "person_email"
    PHONE = "person_phone"
    CONTACT = "person_contact"
    BIRTH_DATE = "person_birth_date"
    ADDRESS = "person_address"
    BENEFIT_NUMBER = "person_benefit_number"
    IBAN = "person_iban"
    NETWORK = "person_network"


Words = frozenset[str]

# Next to a count or a yes/no, nothing is named: « nb téléphones », « nombre de mails ».
_COUNTED = frozenset({"nb", "nbre", "nombre", "count", "taux", "part", "total", "moyenne", "score"})
PLACES = frozenset(
    {
        "commune", "communes", "com", "codgeo", "insee", "ville", "town", "city", "municipality",
        "dep", "dept", "departement", "departements", "department", "epci", "region", "territoire",
        "territoires", "territory", "canton", "iris", "qpv", "quartier", "bassin", "arrondissement",
        "agglomeration", "interco", "intercommunalite", "zone", "codecommune", "codedep", "pays",
        "county", "area",
    }
)  # fmt: skip
_THINGS = PLACES | {
    "action", "actions", "structure", "structures", "association", "asso", "organisme",
    "operateur", "entreprise", "societe", "etablissement", "ecole", "college", "lycee", "creche",
    "service", "produit", "projet", "dispositif", "mission", "fichier", "variable", "indicateur",
    "programme", "formation", "atelier", "metier", "poste", "diplome", "site", "centre", "guichet",
    "item", "echelle", "colonne", "feuille", "file", "sheet", "column", "scale", "school",
    "company", "employer", "employeur", "voie", "lieu", "groupe", "group", "classe", "type",
    "plateforme", "agence", "antenne", "batiment", "prestation", "aide", "siren", "siret",
    "activite", "activity", "project", "program", "workshop", "organisation", "organization",
    "parcours", "session", "chantier", "stage", "module", "cours", "course", "evenement", "event",
}  # fmt: skip
_SURNAME = frozenset({"nom", "noms", "patronyme", "surname", "lastname", "name", "nomusage",
                      "nomnaissance", "nomfamille", "surnom", "nachname", "apellido",
                      "apellidos", "cognome", "apelido", "sobrenome"})  # fmt: skip
_FIRST = frozenset({"prenom", "prenoms", "firstname", "forename", "firstnames", "vorname"})
_FULL = frozenset({"nomprenom", "prenomnom", "fullname", "username"})
_NIR = frozenset({"nir", "nirpp", "nia", "numsecu", "nosecu", "numss", "noss", "ssn", "nss"})
_EMAIL = frozenset({"email", "emails", "mail", "mails", "courriel", "courriels", "mel"})
_PHONE = frozenset({"tel", "tels", "telephone", "telephones", "phone", "mobile", "portable", "gsm",
                    "numtel", "telportable", "telfixe", "fixe", "cellphone"})  # fmt: skip
_BIRTH = frozenset({"ddn", "dob", "birthdate", "birthday", "dateofbirth", "datenaissance",
                    "datenais", "dnaiss", "dtnaiss", "datnais", "dnais", "geburtsdatum",
                    "nacimiento", "nascimento"})  # fmt: skip
_BORN = frozenset({"naissance", "nais", "naiss", "birth", "born", "ne", "nee"})
_ADDRESS = frozenset({"adresse", "adresses", "address", "rue", "street", "domicile"})
_POSTCODE = frozenset({"codepostal", "cp", "postcode", "zipcode", "zip"})
_BENEFIT = frozenset({"allocataire", "allocataires", "alloc", "caf", "msa", "fiscal", "etranger",
                      "agdref", "claimant"})  # fmt: skip
_NUMBERED = frozenset({"n", "no", "num", "numero", "matricule", "number", "id", "identifiant"})
_MATRICULE = frozenset({"matricule", "matcaf", "numcaf", "nocaf", "numalloc", "noalloc", "agdref",
                        "ine"})  # fmt: skip
_IBAN = frozenset({"iban", "rib", "bic"})
_NETWORK = frozenset({"ip", "ipaddr", "ipaddress", "adresseip"})
_PEOPLE = frozenset(
    {
        "id", "identifiant", "personne", "personnes", "person", "people", "beneficiaire",
        "beneficiaires", "participant", "participante", "participants", "usager", "usagers", "user",
        "client", "allocataire", "salarie", "repondant", "respondent", "referent", "referente",
        "conseiller", "conseillere", "accompagnateur", "tuteur", "enfant", "parent", "conjoint",
        "contact", "qui", "individu", "jeune", "stagiaire", "eleve", "patient", "nom", "name",
    }
)  # fmt: skip

# Who may be a unit, and is never a territory; « id » and « nom » are those of anything.
_PERSONS = frozenset(
    {
        "personne", "personnes", "person", "people", "beneficiaire", "participant", "participante",
        "usager", "usagere", "user", "client", "cliente", "allocataire", "salarie", "salariee",
        "repondant", "repondante", "respondent", "enfant", "parent", "conjoint", "conjointe",
        "individu", "jeune", "stagiaire", "eleve", "patient", "patiente", "etudiant", "etudiante",
        "child", "children", "pupil", "student", "beneficiary", "beneficiaries", "claimant",
        "menage", "foyer", "famille", "household", "family", "families", "locataire", "tenant",
        "demandeur", "demandeuse", "mere", "pere", "mother", "father", "adherent", "adherente",
    }
)  # fmt: skip
_NAMING = frozenset(
    {
        PersonalKind.SURNAME, PersonalKind.FIRST_NAME, PersonalKind.FULL_NAME, PersonalKind.EMAIL,
        PersonalKind.SOCIAL_SECURITY, PersonalKind.BENEFIT_NUMBER, PersonalKind.BIRTH_DATE,
    }
)  # fmt: skip


_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_UNSEEN = frozenset({"Mn", "Cf"})  # accents and soft hyphens; any other sign ends a word
# What an apostrophe of either kind cuts off says nothing: « l’action », « d'usage »; and the « n’ »
# of a question is no number.
_ELIDED = re.compile(r"\b(?:[cdjlmnst]|qu)['’ʼ](?=\w)")


def heading_words(heading: str) -> tuple[str, ...]:
    """Return the words of a heading: no accent, no case, no figure at the end of a word.

    Examples
    --------
    >>> heading_words("N° de Sécu."), heading_words("NomUsage"), heading_words("tel_2")
    (('n', 'de', 'secu'), ('nom', 'usage'), ('tel',))
    >>> heading_words("nom de l’action"), heading_words("Cœur de métier")
    (('nom', 'de', 'action'), ('coeur', 'de', 'metier'))
    """
    split = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", heading.replace("º", " "))
    letters = unicodedata.normalize("NFKD", split.casefold().translate(_LIGATURES))
    seen = "".join(c for c in letters if unicodedata.category(c) not in _UNSEEN)
    plain = _ELIDED.sub(" ", seen.casefold())
    words = (re.sub(r"\d+$", "", word) for word in re.split(r"[^a-z0-9]+", plain))
    return tuple(word for word in words if word)


def _has_pair(words: Words, *pairs: tuple[str, str]) -> bool:
    return any(one in words and other in words for one, other in pairs)


def _is_social_security(words: Words) -> bool:
    return bool(words & _NIR) or _has_pair(
        words, ("securite", "sociale"), ("social", "security"), ("n", "secu"), ("num", "secu"),
        ("numero", "secu"), ("no", "secu"), ("num", "ss"), ("no", "ss"), ("n", "ss"),
    )  # fmt: skip


def _is_email(words: Words) -> bool:
    return bool(words & _EMAIL) or _has_pair(words, ("e", "mail"), ("adresse", "electronique"))


def _is_contact(words: Words) -> bool:
    return bool(words & {"prevenir"}) or _has_pair(
        words, ("contact", "urgence"), ("emergency", "contact"), ("personne", "confiance")
    )


def _is_birth(words: Words) -> bool:
    dated = words & {"date", "jour", "dt", "le", "day", "on"}
    return bool(words & _BIRTH) or bool(words & _BORN and dated) or words <= {"naissance", "birth"}


def _is_benefit(words: Words) -> bool:
    sought = _has_pair(words, ("pole", "emploi"), ("france", "travail"))
    return bool(words & _MATRICULE) or bool((words & _BENEFIT or sought) and words & _NUMBERED)


def _is_first(words: Words) -> bool:
    return bool(words & _FIRST) or _has_pair(words, ("first", "name"), ("given", "name"))


def _is_full(words: Words) -> bool:
    return bool(words & _FULL) or bool(words & _FIRST and words & _SURNAME)


def _one_of(words: Words, names: Words) -> bool:
    """Whether a word is among these, in the singular or in the plural."""
    return any(word in names or word.removesuffix("s") in names for word in words)


def _is_surname(words: Words) -> bool:
    return bool(words & _SURNAME) and not _one_of(words, _THINGS)


_RULES: Mapping[PersonalKind, Callable[[Words], bool]] = MappingProxyType(
    {
        PersonalKind.SOCIAL_SECURITY: _is_social_security,
        PersonalKind.IBAN: lambda words: bool(words & _IBAN),
        PersonalKind.NETWORK: lambda words: bool(words & _NETWORK),
        PersonalKind.EMAIL: _is_email,
        PersonalKind.CONTACT: _is_contact,
        PersonalKind.PHONE: lambda words: bool(words & _PHONE),
        PersonalKind.BENEFIT_NUMBER: _is_benefit,
        PersonalKind.FULL_NAME: _is_full,
        PersonalKind.FIRST_NAME: _is_first,
        PersonalKind.SURNAME: _is_surname,
        PersonalKind.BIRTH_DATE: _is_birth,
        PersonalKind.ADDRESS: lambda words: bool(words & _ADDRESS),
    }
)  # the first that fits: « adresse mail » is an e-mail, « nom de naissance » a surname


def kind_of_heading(heading: str) -> PersonalKind | None:
    """Return what a heading says its column holds of a person, or None.

    Examples
    --------
    >>> kind_of_heading("Nom d’usage").value, kind_of_heading("nom_commune")
    ('person_surname', None)
    >>> kind_of_heading("Né(e) le").value, kind_of_heading("Date d'entrée")
    ('person_birth_date', None)
    """
    words = frozenset(heading_words(heading))
    if not words or words & _COUNTED:
        return None
    return next((kind for kind, fits in _RULES.items() if fits(words)), None)


def speaks_of_people(heading: str) -> bool:
    """Whether a heading is that of a column of people (`id`, « bénéficiaire », « référent »)."""
    words = frozenset(heading_words(heading))
    return bool(words & _PEOPLE) and not _one_of(words, _THINGS)


def names_persons(heading: str) -> bool:
    """Whether the rows under such a heading are people or households, whatever a study says.

    Examples
    --------
    >>> names_persons("id_menage"), names_persons("N° allocataire"), names_persons("Prénom")
    (True, True, True)
    >>> names_persons("id"), names_persons("nom"), names_persons("commune")
    (False, False, False)
    """
    words = frozenset(heading_words(heading))
    if _one_of(words, _THINGS) or words & _COUNTED:
        return False
    kind = kind_of_heading(heading)
    return _one_of(words, _PERSONS) or (kind in _NAMING and not is_bare_name(heading))


def speaks_of_things(heading: str) -> bool:
    """Whether a heading names places, structures or actions."""
    return _one_of(frozenset(heading_words(heading)), _THINGS)


def speaks_of_places(heading: str) -> bool:
    """Whether a heading names territories (« commune », `dep`, `codgeo`, « bassin »)."""
    return _one_of(frozenset(heading_words(heading)), PLACES)


def is_bare_name(heading: str) -> bool:
    """Whether a heading is « nom » or `name` alone: of a person or of a territory, who knows."""
    return frozenset(heading_words(heading)) <= {"nom", "name", "noms"}


def is_postcode(heading: str) -> bool:
    """Whether a heading is a post code, which names nobody without an address beside it."""
    words = frozenset(heading_words(heading))
    return bool(words & _POSTCODE) or _has_pair(words, ("code", "postal"), ("post", "code"))
