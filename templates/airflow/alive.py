"""Whether a process of Airflow still works: alive.py JOB_TYPE ready|alive

The scheduler and the DAG processor listen nowhere; they write their heartbeat into Airflow's database. ready: the last one is no older
than three that were missed. alive: no older than three minutes, or the database cannot be asked, which a restart would not mend.
"""
import os
import sys

READY_SECONDS = 30
ALIVE_SECONDS = 180

AGE = """
SELECT ceil(extract(epoch FROM now() - max(latest_heartbeat)))::int FROM job WHERE job_type = %s AND state = 'running'
"""


def main(job: str, mode: str) -> int:
    import psycopg2

    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        connection = psycopg2.connect(url, connect_timeout=5, application_name="lambdactl probe")
        with connection, connection.cursor() as cursor:
            cursor.execute(AGE, (job,))
            age = cursor.fetchone()[0]
    except psycopg2.Error as error:
        print(f"the database cannot be asked: {error}", file=sys.stderr)
        return 0 if mode == "alive" else 1
    if age is None:
        print(f"no {job} has reported yet", file=sys.stderr)
        return 1
    print(f"heartbeat of {job} {age} s ago")
    return 0 if age <= (ALIVE_SECONDS if mode == "alive" else READY_SECONDS) else 1


sys.exit(main(*sys.argv[1:3]))
