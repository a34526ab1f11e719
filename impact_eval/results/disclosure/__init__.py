"""The rules of disclosure control, as pure functions: nothing here knows a record or a report."""
