"""Clients that send one request after the other until the server goes; counts what was lost.

    python3 docker/load.py URL CLIENTS

Prints `loaded` once every client has an answer, and at the end one line of JSON. Lost is a request
that was sent on a connection that the server had taken, and got no whole answer; a connection that
is refused ends its client. Exits with 1 if a request was lost or answered with anything but 200.
"""

import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BODY = json.dumps({"inputs": ["A joy from start to finish.", "Two hours of my life."]}).encode()
HEADERS = {"content-type": "application/json", "host": "localhost"}
TIMEOUT_S = 60
OK = 200


@dataclass
class Tally:
    """What all clients have seen; `lock` guards the rest."""

    answered: int = 0
    wrong: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    longest_s: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def run_client(host: str, path: str, tally: Tally, begun: threading.Event) -> None:
    """Send requests over a kept-alive connection until the server takes none."""
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
    while True:
        try:
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            begun.set()
            return
        started_s = time.monotonic()
        try:
            connection.request("POST", path, BODY, HEADERS)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            with tally.lock:
                tally.lost.append(repr(error))
            connection.close()
            continue
        with tally.lock:
            tally.answered += 1
            tally.longest_s = max(tally.longest_s, time.monotonic() - started_s)
            if answer.status != OK:
                tally.wrong.append(content.decode(errors="replace")[:200])
        begun.set()


def main(url: str, clients: int) -> int:
    """Run the clients to their end; return the exit code."""
    parts = urlsplit(url)
    tally = Tally()
    begun = [threading.Event() for _ in range(clients)]
    threads = [
        threading.Thread(target=run_client, args=(parts.netloc, parts.path, tally, event))
        for event in begun
    ]
    started_s = time.monotonic()
    for thread in threads:
        thread.start()
    for event in begun:
        event.wait(TIMEOUT_S)
    sys.stdout.write("loaded\n")
    sys.stdout.flush()
    for thread in threads:
        thread.join()
    counts = {
        "clients": clients,
        "answered": tally.answered,
        "answered_per_s": round(tally.answered / (time.monotonic() - started_s), 1),
        "lost": len(tally.lost),
        "wrong": len(tally.wrong),
        "longest_s": round(tally.longest_s, 3),
        "examples": (tally.lost + tally.wrong)[:3],
    }
    sys.stdout.write(json.dumps(counts) + "\n")
    return 1 if tally.lost or tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
