"""Count the oracle tests that did not run: proof that stays at home proves nothing here.

A test on the seeded data has all it needs beside it: when it is skipped the run fails, always. In
`.ci/run` (`IMPACT_EVAL_CI`) the run fails also when more than one oracle test in ten is skipped,
when one is skipped although the folder of real data is there, and when the oracle tests are not in
the run at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = "tests/oracles/"
SEEDED = f"{FOLDER}test_seeded_"
SWITCH = "IMPACT_EVAL_CI"
MOST_SKIPPED = 0.1
WHOLE = 500  # fewer than these are not the whole folder


@dataclass(eq=False)  # a plugin is told from another by what it is, and hashed
class OracleCount:
    """What became of the oracle tests of a run; a pytest plugin.

    Attributes
    ----------
    strict : bool
        Hold the run to the share skipped.
    whole : bool
        The run is that of the fast suite: all oracle tests should be in it.
    real_data : bool
        The folder of real data is beside the project.
    """

    strict: bool
    whole: bool
    real_data: bool
    outcomes: dict[str, str] = field(default_factory=dict)

    def record(self, test: str, *, skipped: bool) -> None:
        """Keep one test's outcome: skipped once is skipped."""
        if test.startswith(FOLDER):
            before = self.outcomes.get(test)
            self.outcomes[test] = "skipped" if skipped or before == "skipped" else "run"

    @property
    def skipped(self) -> list[str]:
        """The oracle tests skipped, in order."""
        return [test for test, outcome in self.outcomes.items() if outcome == "skipped"]

    def faults(self) -> list[str]:
        """Say what was skipped and should not have been; nothing when all is well."""
        skipped, total = self.skipped, len(self.outcomes)
        seeded = [test for test in skipped if test.startswith(SEEDED)]
        found = [f"{test}: its data travel with the project: not to be skipped" for test in seeded]
        if not self.strict:
            return found
        if self.whole and total < WHOLE:
            found.append(f"{total} oracle tests in the run; the whole folder has {WHOLE} or more")
        elif self.real_data:
            others = [test for test in skipped if test not in seeded]
            found += [f"{test}: skipped although the real data are there" for test in others]
        elif self.whole and len(skipped) > MOST_SKIPPED * total:
            found.append(f"{len(skipped)} of {total} oracle tests skipped: more than one in ten")
        return found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record each phase of each test; an expected failure counts as not run."""
        if not isinstance(report, pytest.SubtestReport):
            self.record(report.nodeid, skipped=report.skipped)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the count and the faults."""
        if self.strict and self.outcomes:
            said = f"oracle tests: {len(self.outcomes)}, skipped: {len(self.skipped)}"
            terminalreporter.write_line(said)
        for fault in self.faults():
            terminalreporter.write_line(f"ORACLE NOT RUN {fault}", red=True)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if self.faults() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def oracle_count(
    config: pytest.Config, real_data: Path, environment: Mapping[str, str] = os.environ
) -> OracleCount:
    """Return the counter of a run: strict where the switch is on."""
    return OracleCount(
        strict=bool(environment.get(SWITCH)),
        whole="not long" in (config.getoption("markexpr") or ""),
        real_data=real_data.is_dir(),
    )
