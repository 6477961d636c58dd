"""Runs one command and writes what it took: `python -I -S launch.py REPORT COMMAND…`.

A process of its own, and a small one. On Linux a process that execs keeps the peak
memory of whoever forked it, so a child of a large parent looks as large as its parent.
Here that is a bare Python of some 10 MB: less than that cannot be told.
"""

import json
import os
import sys
import time


def main() -> int:
    """Run the command and write its time, processor time and peak memory."""
    report, *command = sys.argv[1:]
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            os.execv(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    taken = {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        # Linux counts in KiB.
        "peak_memory": usage.ru_maxrss * 1024,
    }
    with open(report, "w") as file:
        json.dump(taken, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
