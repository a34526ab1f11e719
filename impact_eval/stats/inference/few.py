"""When are there too few? The one rule, and its thresholds, that designs and checks all read."""

from __future__ import annotations

from impact_eval.core import Finding

# Below, CR1 with t(G - 1) rejects too often: fewer than 20 to fewer than 50, Cameron and Miller
# (2015), doi:10.3368/jhr.50.2.317. With 10 + 10 treated of 40, it finds 7 to 8.5 times in 100 an
# effect that does not exist; with 20 + 20 of 100, 5 times.
FEW_CLUSTERS = 50
# Treated below which the usual errors are too small, however many the others are: MacKinnon and
# Webb (2018), doi:10.1111/ectj.12107.
FEW_TREATED = 10


def are_few(*, total: int, treated: int) -> bool:
    """Return whether the usual large-sample inference cannot be trusted.

    Parameters
    ----------
    total, treated : int
        Independent clusters (or units) in all, and those treated at some time.

    Examples
    --------
    >>> are_few(total=80, treated=4), are_few(total=80, treated=40)
    (True, False)
    """
    return total < FEW_CLUSTERS or treated < FEW_TREATED


def few_in_all(total: int) -> tuple[Finding, ...]:
    """Return the warning `few_clusters` when they are few in all."""
    if total >= FEW_CLUSTERS:
        return ()
    return (Finding.warning("few_clusters", n=total, advised=FEW_CLUSTERS),)
