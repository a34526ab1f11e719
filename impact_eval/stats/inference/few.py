"""When are there too few? The one rule, and its thresholds, that designs and checks all read."""

from __future__ import annotations

from impact_eval.core import Finding

# Below, CR1 with t(G - 1) rejects too often: fewer than 20 to fewer than 50, Cameron and Miller
# (2015), doi:10.3368/jhr.50.2.317. With 10 + 10 treated of 40, it finds 7 to 8.5 times in 100 an
# effect that does not exist; with 20 + 20 of 100, 5 times. A cluster that holds both those treated
# and those compared with informs both sides, and counts for two.
FEW_CLUSTERS = 50
FEWEST_CLUSTERS = 40  # below, they are few even so
# Treated below which the usual errors are too small, however many the others are: MacKinnon and
# Webb (2018), doi:10.1111/ectj.12107.
FEW_TREATED = 10


def are_few(*, total: int, treated: int, shared: int = 0) -> bool:
    """Return whether the usual large-sample inference cannot be trusted.

    Parameters
    ----------
    total, treated : int
        Independent clusters (or units) in all, and those treated at some time.
    shared : int
        Those that hold people never treated beside people treated.

    Examples
    --------
    >>> are_few(total=80, treated=4), are_few(total=80, treated=40), are_few(total=45, treated=20)
    (True, False, True)
    >>> are_few(total=45, treated=45, shared=45)
    False
    """
    return bool(few_in_all(total, shared=shared)) or treated < FEW_TREATED


def few_in_all(total: int, *, shared: int = 0) -> tuple[Finding, ...]:
    """Return the warning `few_clusters` when they are few in all."""
    if total + shared >= FEW_CLUSTERS and total >= FEWEST_CLUSTERS:
        return ()
    return (Finding.warning("few_clusters", n=total, advised=FEW_CLUSTERS),)
