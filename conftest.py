"""Run the cells of a notebook as Jupyter does when nbval compares their outputs.

IPython looks into its history to see whether a cell ends in a semicolon and is to show no value.
nbval runs cells without history, so that it would see values which no reader sees.
"""

import tempfile

import pytest
from nbval.kernel import RunningKernel


def _execute_cell_input(self, cell_input, allow_stdin=None):
    return self.kc.execute(
        cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )


RunningKernel.execute_cell_input = _execute_cell_input


@pytest.fixture(autouse=True, scope="session")
def _no_start_up_files_of_the_one_who_runs_it():
    with tempfile.TemporaryDirectory() as profile, pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", profile)
        yield
