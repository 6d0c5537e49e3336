"""What pytest and its plug-ins need to be told before any test is collected.

IPython looks into its history to see whether a cell ends in a semicolon and is to show no value.
nbval runs cells without history, so that it would see values which no reader sees: here cells run
as Jupyter runs them.
"""

import tempfile

import pytest
from nbval.kernel import RunningKernel


def _execute_cell_input(self, cell_input, allow_stdin=None):
    return self.kc.execute(
        cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )


RunningKernel.execute_cell_input = _execute_cell_input


def pytest_make_parametrize_id(config, val, argname):
    """Name bytes by their number: the content may hold the time.

    gzip stores the second in which it packs, and pytest-xdist stops where its workers have
    collected tests of different names.
    """
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None


@pytest.fixture(autouse=True, scope="session")
def _no_start_up_files_of_the_one_who_runs_it():
    with tempfile.TemporaryDirectory() as profile, pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", profile)
        yield
