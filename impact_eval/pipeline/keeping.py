"""How long the data about people may be kept, as a study declares it; told once it is past.

Nothing is deleted for it: data are the user's own. Results do not change either, so that a report
is the same whenever it is made again.
"""

from __future__ import annotations

import datetime as dt

from impact_eval.core.findings import Finding, Place
from impact_eval.pipeline.study import Study

KEY = "privacy.keep_until"


def is_over(until: str, today: dt.date) -> bool:
    """Return whether the last day of a year, a month or a day is past.

    Parameters
    ----------
    until : str
        In ISO form.
    today : date

    Examples
    --------
    >>> is_over("2027", dt.date(2027, 12, 31)), is_over("2027-06", dt.date(2027, 7, 1))
    (False, True)
    """
    return today.isoformat()[: len(until)] > until


def keeping_noticed(study: Study, today: dt.date | None = None) -> tuple[Finding, ...]:
    """Return the warning that the data of a study should be deleted, once their time is past.

    Parameters
    ----------
    study : Study
    today : date, optional
        The day of the machine by default.

    Returns
    -------
    tuple of Finding
        `keeping_over`, or none.
    """
    until = study.declaration.privacy.keep_until
    day = today or dt.datetime.now().astimezone().date()
    if until is None or not is_over(until, day):
        return ()
    return (Finding.warning("keeping_over", Place(file=study.name, key=KEY), day=until),)
