"""Closed lists of the value floor: who pays and gains, what kind of flow, when, how sure."""

from __future__ import annotations

from enum import StrEnum


class Agent(StrEnum):
    """An account of the ledger: one who pays, gains or loses."""

    BENEFICIARY = "beneficiary"
    HOUSEHOLD = "household"
    VOLUNTEERS = "volunteers"
    ASSOCIATION = "association"
    EMPLOYER = "employer"
    NEIGHBOURS = "neighbours"
    OTHER_WORKERS = "other_workers"
    DEPARTEMENT = "departement"
    COMMUNE = "commune"
    REGION = "region"
    STATE = "state"
    CAF = "caf"
    CPAM = "cpam"
    SOCIAL_SECURITY = "social_security"
    UNEDIC = "unedic"
    FRANCE_TRAVAIL = "france_travail"
    EU = "eu"
    PHILANTHROPY = "philanthropy"
    TAXPAYERS = "taxpayers"
    EVERYONE = "everyone"
    METROPOLE = "metropole"
    EPCI = "epci"
    CCAS = "ccas"
    ARS = "ars"
    HOSPITAL = "hospital"
    CARSAT = "carsat"
    EDUCATION_NATIONALE = "education_nationale"
    JUSTICE = "justice"
    OPCO = "opco"
    MISSION_LOCALE = "mission_locale"
    AGEFIPH = "agefiph"
    FIPHFP = "fiphfp"
    BAILLEUR_SOCIAL = "bailleur_social"


# The French public administrations, social security included. The European Union is an account of
# its own: its money is public, and it is not theirs.
# The hospital is the public one. A social landlord lives on rents: it is a company, public or not.
# OPCO, missions locales and Agefiph are associations that hold money raised by law or grants; they
# are kept out of the public account, with an account of their own (their place in the national
# accounts: to check).
PUBLIC_AGENTS: frozenset[Agent] = frozenset(
    {
        Agent.DEPARTEMENT,
        Agent.COMMUNE,
        Agent.REGION,
        Agent.STATE,
        Agent.CAF,
        Agent.CPAM,
        Agent.SOCIAL_SECURITY,
        Agent.UNEDIC,
        Agent.FRANCE_TRAVAIL,
        Agent.METROPOLE,
        Agent.EPCI,
        Agent.CCAS,
        Agent.ARS,
        Agent.HOSPITAL,
        Agent.CARSAT,
        Agent.EDUCATION_NATIONALE,
        Agent.JUSTICE,
        Agent.FIPHFP,
    }
)
RECIPIENTS: frozenset[Agent] = frozenset({Agent.BENEFICIARY, Agent.HOUSEHOLD})


# Those who live on an income: what a body gains or pays is worth its amount.
PEOPLE: frozenset[Agent] = frozenset(
    {
        Agent.BENEFICIARY,
        Agent.HOUSEHOLD,
        Agent.VOLUNTEERS,
        Agent.NEIGHBOURS,
        Agent.OTHER_WORKERS,
        Agent.TAXPAYERS,
        Agent.EVERYONE,
    }
)


class FlowKind(StrEnum):
    """What a flow is: only transfers have two ends; the others create or use up something."""

    RESOURCE_COST = "resource_cost"
    RESOURCE_GAIN = "resource_gain"
    TRANSFER = "transfer"
    NON_MARKET = "non_market"


class LineKind(StrEnum):
    """What a line of the value map is worth to whom; an avoided cost names who would have paid."""

    RESOURCE_GAIN = "resource_gain"
    NON_MARKET = "non_market"
    RESOURCE_COST = "resource_cost"
    TRANSFER = "transfer"
    AVOIDED_COST = "avoided_cost"
    AVOIDED_TRANSFER = "avoided_transfer"


class InputKind(StrEnum):
    """What is put into the action."""

    CASH = "cash"
    IN_KIND = "in_kind"
    VOLUNTEER_TIME = "volunteer_time"
    TRANSFER = "transfer"


class Timing(StrEnum):
    """When in its year an amount falls."""

    END = "end"
    MID = "mid"
    START = "start"


class Costing(StrEnum):
    """Whether a unit cost is what one more (or one less) costs, or a total shared out."""

    MARGINAL = "marginal"
    AVERAGE = "average"


class Solidity(StrEnum):
    """How sure the shares of a line are: measured, read in a publication, or judged."""

    MEASURED = "measured"
    PUBLISHED = "published"
    JUDGEMENT = "judgement"


class Mark(StrEnum):
    """How a catalogue figure is known."""

    VERIFIED = "V"
    COMPUTED = "C"
    DERIVED = "D"
    MEMORY = "M"
    UNCERTAIN = "?"


UNVERIFIED: frozenset[Mark] = frozenset({Mark.MEMORY, Mark.UNCERTAIN})


class Basis(StrEnum):
    """How a price was found; the first four value the same welfare and must not be added."""

    INCOME = "income"
    WILLINGNESS_TO_PAY = "willingness_to_pay"
    QALY = "qaly"
    WELLBY = "wellby"
    AVOIDED_COST = "avoided_cost"
    MARKET_PRICE = "market_price"
    CONVENTION = "convention"


WELFARE_BASES: frozenset[Basis] = frozenset(
    {Basis.INCOME, Basis.WILLINGNESS_TO_PAY, Basis.QALY, Basis.WELLBY}
)


class Law(StrEnum):
    """A law of uncertainty; low and high are bounds for the first three, a 95 % interval after."""

    UNIFORM = "uniform"
    TRIANGULAR = "triangular"
    PERT = "pert"
    NORMAL = "normal"
    LOGNORMAL = "lognormal"
    GAMMA = "gamma"
    BETA = "beta"


BOUNDED_LAWS: frozenset[Law] = frozenset({Law.UNIFORM, Law.TRIANGULAR, Law.PERT})


class QuantitySource(StrEnum):
    """Where a quantity comes from."""

    ESTIMATE = "estimate"
    DECLARED = "declared"


class Perspective(StrEnum):
    """Whose account is read: everybody, the public bodies together, or one agent by its name."""

    SOCIETY = "society"
    PUBLIC = "public"
