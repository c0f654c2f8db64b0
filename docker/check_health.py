"""Exit with 0 if the server in this container is ready: the image's health check.

It needs nothing but Python itself, for it runs every few seconds.
"""

import http.client
import os
import sys

TIMEOUT_S = 4
READY = 200


def find_fault(port: int) -> str | None:
    """Ask the server on this machine; return what is wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {port}: {error}"
    return None if status == READY else f"status {status}"


# `sys.exit` prints a text and makes it 1.
sys.exit(find_fault(int(os.environ.get("MULTITAP_PORT", "8000"))))
