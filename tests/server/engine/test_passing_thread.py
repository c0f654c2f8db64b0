"""Work on a thread that is gone when its result is there."""

import threading

import pytest

from multitap_server.engine.passing_thread import run_on_passing_thread


def test_the_result_comes_from_another_thread_which_has_ended() -> None:
    thread = run_on_passing_thread(threading.current_thread)

    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_the_error_of_the_work_is_raised() -> None:
    def fail() -> None:
        raise KeyError("work")

    with pytest.raises(KeyError, match="work"):
        run_on_passing_thread(fail)
