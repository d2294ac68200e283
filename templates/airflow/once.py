"""Runs a command unless it was run before: once.py DONE command …

DONE is the file that says so. Several may call at the same time: the first does the work, the others wait for it and do nothing.
"""
import fcntl
import os
import subprocess
import sys
from datetime import datetime, timezone


def main(done: str, command: list[str]) -> int:
    os.makedirs(os.path.dirname(done), exist_ok=True)
    with open(f"{done}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(done):
            return 0
        code = subprocess.run(command).returncode
        if code == 0:
            with open(f"{done}.new", "w") as file:
                file.write(f"{datetime.now(timezone.utc).isoformat()}\n")
            os.replace(f"{done}.new", done)
        return code


sys.exit(main(sys.argv[1], sys.argv[2:]))
