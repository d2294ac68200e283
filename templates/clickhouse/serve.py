"""Runs the ClickHouse server that is inside libchdb.so: serve.py LIBCHDB [options of clickhouse-local …]

The library's `local` program can open a server's listeners; the query below opens them and then never ends, which keeps the
program alive. Config, ports and paths are the options given. Ends with the server, or with exit code 143 after SIGTERM: a
MergeTree part is on disk whole or not at all, so there is nothing to flush. Leads a process group of its own, because
SYSTEM SHUTDOWN signals the group.
"""
import ctypes
import os
import signal
import sys
import threading

QUERY = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
    "SELECT sleepEachRow(3) FROM system.numbers "
    "SETTINGS max_block_size = 1, max_threads = 1, max_execution_time = 0, log_queries = 0 FORMAT Null"
)


def main() -> None:
    if os.getpid() != os.getpgrp():
        os.setpgid(0, 0)
    library = ctypes.CDLL(sys.argv[1])
    arguments = [b"clickhouse", *map(os.fsencode, sys.argv[2:]), b"--query=" + QUERY.encode()]
    argv = (ctypes.c_char_p * len(arguments))(*arguments)
    library.chdb_query_cmdline.restype = ctypes.c_void_p

    # In a thread, so that this one stays free for signals.
    server = threading.Thread(target=library.chdb_query_cmdline, args=(len(arguments), argv), daemon=True)
    server.start()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: os._exit(128 + number))
    while server.is_alive():
        server.join(0.5)
    sys.stderr.write("the ClickHouse server has ended\n")
    os._exit(1)


main()
