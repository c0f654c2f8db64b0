"""kill -9 of a server under a mix of calls: the short tier of `make reliability`."""

from pathlib import Path

from reliability.kills import run_kills

ROUNDS = 10


def test_invariant_1_an_acknowledged_publish_survives_kill_9(tmp_path: Path) -> None:
    counts = run_kills(tmp_path, rounds=ROUNDS)

    assert counts["ok"] > ROUNDS
    assert counts["absent"] + counts["whole"] >= ROUNDS
