"""Runs statements through snowflake-connector-python: run.py reads {"connect": …, "statements": […]} on stdin and writes one
JSON list of what came out of each on stdout, in the form of the other client's test."""
import datetime
import decimal
import json
import sys

import snowflake.connector

snowflake.connector.paramstyle = "qmark"


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S")
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value


def run(cursor, statement):
    try:
        cursor.execute(statement["sql"], statement.get("binds"))
        rows = [[plain(value) for value in row] for row in cursor.fetchall()]
        return {"rows": rows, "affected": cursor.rowcount}
    except snowflake.connector.errors.Error as error:
        return {"error": f"{error.errno:06d}"}


work = json.load(sys.stdin)
with snowflake.connector.connect(**work["connect"]) as connection:
    outcomes = [run(connection.cursor(), statement) for statement in work["statements"]]
json.dump(outcomes, sys.stdout)
