"""Write the pages that are made from the code: `python docs/generate.py`, before Sphinx."""

from __future__ import annotations

from instrument_page import write_instruments
from kernel_page import write_kernels
from method_pages import write_methods
from pages import HERE
from reference_pages import write_reference
from results_page import write_results_file
from schema_pages import write_schemas

MADE = ("methods", "instruments", "reference/generated")


def main() -> None:
    """Write every page, and take away those whose subject is gone."""
    kept = {
        *write_methods(),
        *write_instruments(),
        *write_schemas(),
        *write_reference(),
        *write_kernels(),
        *write_results_file(),
    }
    for folder in MADE:
        for path in (HERE / folder).rglob("*"):
            if path.is_file() and path not in kept:
                path.unlink()
    print(f"{len(kept)} pages and figures written")


if __name__ == "__main__":
    main()
