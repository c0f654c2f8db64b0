"""The `multitap` command: one module per verb, and the process edge around them.

Results go to stdout, progress and errors to stderr. Exit codes: 0, 1 for what went wrong (one
line, `multitap: error: ...`), 2 for wrong usage, 130 for Ctrl-C.
"""

import os
import sys
from collections.abc import Sequence

from .app import run
from .failures import report_failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; the entry point of the distribution."""
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_quietly()
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the process edge: what users caused is one line, bugs are raised
        failure = report_failure(error)
        if failure is None:
            raise
        return failure
    return code


def _leave_quietly() -> int:
    """Drop what is left for a reader that went away, so that Python's own exit says nothing."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return 1
