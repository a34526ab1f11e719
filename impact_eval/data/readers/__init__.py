"""One reader per kind of file: from a path to a raw table and what was noticed on the way."""
