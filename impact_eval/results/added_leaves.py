"""Leaves added to `results/2` since its first files: what those files lack is empty.

A file is old for a leaf when it holds it nowhere; one that holds it here and not there is damaged,
and is refused as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_OF_FLOW = ("units", "units_dropped")


def with_added_leaves(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the content of a file with the leaves that did not exist when it was written.

    Parameters
    ----------
    data : mapping
        Content of a `results/2` file, not yet validated; it is not changed.
    """
    steps = list(_steps(data))
    if not steps or any(set(_OF_FLOW) & set(step) for step in steps):
        return data
    out = dict(data)
    if isinstance(data.get("data"), Mapping):
        out["data"] = _completed(data["data"])
    records = data.get("estimates")
    if isinstance(records, list):
        out["estimates"] = [_estimate(record) for record in records]
    return out


def _steps(data: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    records = data.get("estimates")
    listed = records if isinstance(records, list) else []
    fits = [record.get("estimate") for record in listed if isinstance(record, Mapping)]
    for part in (data.get("data"), *fits):
        flow = part.get("flow") if isinstance(part, Mapping) else None
        if isinstance(flow, list):
            yield from (step for step in flow if isinstance(step, Mapping))


def _estimate(record: object) -> object:
    if not isinstance(record, Mapping) or "estimate" not in record:
        return record
    return {**record, "estimate": _completed(record["estimate"])}


def _completed(part: object) -> object:
    """Return a part whose flow counts rows alone: who they are of was not written."""
    flow = part.get("flow") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or not isinstance(flow, list):
        return part
    empty = dict.fromkeys(_OF_FLOW)
    return {**part, "flow": [{**empty, **s} if isinstance(s, Mapping) else s for s in flow]}
