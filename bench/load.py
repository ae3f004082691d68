"""The load generator, a process of its own: reads a plan as JSON, sends its requests from threads, tells the times.

Threads with http.client and kept-alive connections cost some 0.2 ms of one core a request, which the server on the
same two cores does not get; the figures are as low as that makes them.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from itertools import count
from typing import Any


def main() -> None:
    """{"port", "clients", "requests": [{"method", "path", "headers", "body"}]} -> seconds, ms of each, statuses."""
    plan = json.load(sys.stdin)
    requests, numbers = plan["requests"], count()
    times: list[float] = []
    statuses: Counter[int] = Counter()
    gate = threading.Barrier(plan["clients"] + 1)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", plan["port"], timeout=60)
        connection.connect()
        gate.wait()
        while (at := next(numbers)) < len(requests):
            begun = time.perf_counter()
            statuses[_send(connection, requests[at])] += 1
            times.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=client) for _ in range(plan["clients"])]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    found = {"seconds": seconds, "client_seconds": time.process_time(), "times": times, "statuses": statuses}
    json.dump(found, sys.stdout)


def _send(connection: http.client.HTTPConnection, request: dict[str, Any]) -> int:
    connection.request(request["method"], request["path"], body=request.get("body"), headers=request["headers"])
    response = connection.getresponse()
    response.read()
    return response.status


if __name__ == "__main__":
    main()
