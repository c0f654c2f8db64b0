"""Power cuts under a mix of calls: the short tier of `make reliability`."""

from pathlib import Path

import pytest

from reliability.loop_disk import NoLoopDiskError
from reliability.power_cuts import run_power_cuts

ROUNDS = 5


def test_invariant_1_an_acknowledged_publish_survives_a_power_cut(tmp_path: Path) -> None:
    try:
        counts = run_power_cuts(tmp_path, rounds=ROUNDS)
    except NoLoopDiskError as error:
        pytest.skip(str(error))

    assert counts["ok"] > ROUNDS
