"""The embedded warehouse: Snowflake's protocol on this machine, over fakesnow and DuckDB. main.py --config FILE

The settings are explained in config.py. Listens on loopback only, unless the settings say that
a network in front of it decides. Ends with SIGTERM after the running statements; whatever
was acknowledged is on disk at any moment.
"""
from __future__ import annotations

import argparse
import ipaddress
import os
import sys
import warnings

# Before anything imports the connector, which otherwise reads its own config and complains about Arrow.
os.environ.setdefault("SNOWFLAKE_HOME", os.devnull)
warnings.filterwarnings("ignore")

import journal  # noqa: E402
from config import read_config  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Snowflake's protocol over fakesnow and DuckDB")
    parser.add_argument("--config", required=True, help="JSON file; see config.py")
    try:
        config = read_config(parser.parse_args().config)
        if not (config.any_address or ipaddress.ip_address(config.host).is_loopback):
            raise ValueError(f"{config.host} is no loopback address")
    except (OSError, ValueError, KeyError) as error:
        print(f"warehouse: the settings cannot be used: {error}", file=sys.stderr)
        return 2
    journal.set_up()

    import uvicorn

    from engine import Engine
    from wire import Wire, application

    engine = Engine(config)
    journal.log.info("listening on %s:%d, databases %s", config.host, config.port, ", ".join(engine.databases()) or "none yet")
    try:
        uvicorn.run(
            application(Wire(engine)), host=config.host, port=config.port, log_level="warning", access_log=False,
            timeout_keep_alive=75, timeout_graceful_shutdown=15, lifespan="off",
        )  # fmt: skip
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
