#!/usr/bin/env python3
"""Prints free ports.

Below the range that outgoing connections take theirs from: a broker that is killed and started again would otherwise
find, now and then, that a client's connection sits on its port.

Usage: free_ports.py HOST COUNT
"""

import random
import socket
import sys
from pathlib import Path

LOWEST = 20_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(host, port):
    with socket.socket() as listener:
        # As a broker does: connections that it left behind in TIME_WAIT do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def main():
    host, count = sys.argv[1], int(sys.argv[2])
    first_outgoing = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    candidates = list(range(LOWEST, first_outgoing)) if first_outgoing > LOWEST + 1_000 else list(range(LOWEST, 65_536))
    random.shuffle(candidates)
    free = []
    while candidates and len(free) < count:
        port = candidates.pop()
        if is_free(host, port):
            free.append(str(port))
    if len(free) < count:
        sys.exit(f"{count} free ports are not to be had on {host}")
    print(*free)


if __name__ == "__main__":
    main()
