"""Runs the ClickHouse server inside libchdb.so: serve.py LIBCHDB [clickhouse-local options …]

The library's `local` program can open a server's listeners; the query below opens them and then never ends, which keeps
the program alive. No output, no state of its own: config, ports and paths are the options given.
"""
import ctypes
import os
import signal
import sys
import threading

QUERY = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
    "SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1, max_threads = 1, max_execution_time = 0 "
    "FORMAT Null"
)


def main() -> None:
    if os.getpid() != os.getpgrp():
        os.setpgid(0, 0)
    library = ctypes.CDLL(sys.argv[1])
    arguments = [b"clickhouse", *map(os.fsencode, sys.argv[2:]), b"--query=" + QUERY.encode()]
    argv = (ctypes.c_char_p * len(arguments))(*arguments)
    library.chdb_query_cmdline.restype = ctypes.c_void_p
    ended = threading.Event()

    def serve() -> None:
        library.chdb_query_cmdline(len(arguments), argv)
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: os._exit(0))
    while not ended.wait(0.5):
        pass
    os._exit(1)


main()
