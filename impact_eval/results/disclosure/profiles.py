"""What each producer of data asks before a figure leaves: thresholds and rules, as data.

A profile tells how sure its numbers are: `verified` was read in the producer's own handbook,
`unconfirmed` is what is commonly said and nobody here could check, `house` is this library's own
choice. Where the producer's rule is not an established fact, the strictest known one stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from impact_eval.core.findings import Finding, ImpactEvalError, nearest
from impact_eval.results.disclosure.rounding import round_count

STRICTEST = 11  # people: what tax-based files about households ask, the most that any source asks
PUBLISHED = "menages"  # the profile of what is published when the study names none


class ProfileMark(StrEnum):
    """How sure the numbers of a profile are."""

    VERIFIED = "verified"
    UNCONFIRMED = "unconfirmed"
    HOUSE = "house"


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules that a study's figures obey.

    Attributes
    ----------
    name : str
    threshold : int
        Least number of people that a published count may tell; 1 lets everything through.
    count_base : int
        Published counts are rounded to a multiple of it; 1 leaves them as they are.
    nk_k, nk_share : int, float
        A sum is dominated when its `nk_k` largest contributions exceed this share of it.
    p_ratio : float
        A sum is dominated when all but its two largest contributions are less than this share of
        the largest: the second could compute the first that closely. 0 asks nothing.
    least_df : int
        Least residual degrees of freedom of a published model.
    zeros_small : bool
        Whether a count of nobody is withheld like a small one.
    source : str
        Code of where the threshold comes from.
    mark : ProfileMark
        How sure it is.
    own_edition : bool
        Whether the study also makes its operator an edition that is not published.
    """

    name: str
    threshold: int = STRICTEST
    count_base: int = 1
    nk_k: int = 2
    nk_share: float = 0.90
    p_ratio: float = 0.10
    least_df: int = 10
    zeros_small: bool = False
    source: str = "house"
    mark: ProfileMark = ProfileMark.HOUSE
    own_edition: bool = False

    def small(self, n: float) -> bool:
        """Whether a count of people is too small to leave, as it is or as it would be rounded.

        Examples
        --------
        >>> menages, sante = profile("menages"), profile("sante")
        >>> menages.small(4), menages.small(11), menages.small(0), sante.small(0)
        (True, False, False, True)
        >>> profile("caf").small(12), profile("caf").small(13)  # told as 10, and as 15
        (True, False)
        """
        told = min(n, round_count(round(n), self.count_base))
        return told < self.threshold and (n > 0 or (self.zeros_small and self.threshold > 1))

    def with_threshold(self, threshold: int) -> Profile:
        """Return the profile with another threshold, the other rules unchanged.

        Raises
        ------
        ImpactEvalError
            `privacy_threshold_below_one`.
        """
        if threshold < 1:
            raise ImpactEvalError(Finding.error("privacy_threshold_below_one", found=threshold))
        return replace(self, threshold=threshold)

    def for_own_edition(self) -> Profile:
        """Return the rules of the operator's own edition: its people, its numbers, as they are."""
        return replace(
            self,
            threshold=1,
            count_base=1,
            nk_share=1.0,
            p_ratio=0.0,
            least_df=0,
            zeros_small=False,
            source="house",
            mark=ProfileMark.HOUSE,
            own_edition=True,
        )


# Dominance (2, 90 %), p = 10 % and 10 degrees of freedom are the defaults of ACRO, a disclosure
# checker's tool, and the base of rounding is 5 there too. Insee's handbook on the protection of
# tables gives 11 households for tax-sourced files, and 3 units with none above 85 % for firms.
# What health and family-benefit producers ask is said to be « fewer than 11 » and « blurred »;
# their exact rules could not be read: the strictest threshold stands, and the mark says so.
PROFILES: tuple[Profile, ...] = (
    Profile("menages", source="insee_households", mark=ProfileMark.VERIFIED),
    Profile("caf", count_base=5, source="cnaf", mark=ProfileMark.UNCONFIRMED),
    Profile("sante", zeros_small=True, source="snds", mark=ProfileMark.UNCONFIRMED),
    Profile(
        "entreprises",
        threshold=3,
        nk_k=1,
        nk_share=0.85,
        source="insee_firms",
        mark=ProfileMark.VERIFIED,
    ),
    Profile("interne", source="insee_households", mark=ProfileMark.VERIFIED, own_edition=True),
)


def profile(name: str = PUBLISHED) -> Profile:
    """Return a profile by its name.

    Parameters
    ----------
    name : str
        `menages`, `caf`, `sante`, `entreprises` or `interne`.

    Returns
    -------
    Profile
        `interne` is `menages` for what is published, with an edition for the operator beside it.

    Raises
    ------
    ImpactEvalError
        `unknown_privacy_profile`.

    Examples
    --------
    >>> profile("caf").threshold, profile("caf").count_base, profile("caf").mark.value
    (11, 5, 'unconfirmed')
    >>> profile("interne").threshold, profile("interne").for_own_edition().threshold
    (11, 1)
    """
    for known in PROFILES:
        if known.name == name:
            return known
    names = [known.name for known in PROFILES]
    raise ImpactEvalError(
        Finding.error(
            "unknown_privacy_profile", found=name, nearest=nearest(name, names), known=names
        )
    )
