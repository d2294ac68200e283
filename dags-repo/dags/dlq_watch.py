"""Looks every ten minutes whether records were refused since the last look, and alerts when more than a few were.

It counts what was ever written to the dead letter topics (their end offsets), so a replay or a purge hides nothing.
"""
import json
import os
import subprocess

from airflow.sdk import DAG, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from lambda_platform.alerts import post
from lambda_platform.steps import DEFAULT_ARGS, PREFLIGHT, plain_environment

with DAG(
    dag_id="dlq_watch",
    description="Alerts when dead letters pile up",
    schedule="*/10 * * * *",
    catchup=False,
    max_active_runs=1,
    # The next look is ten minutes away anyway.
    default_args=DEFAULT_ARGS | {"retries": 0},
    params={"threshold": Param(100, type="integer", minimum=0, description="New dead letters that are still normal")},
    tags=["quality"],
    doc_md=__doc__,
):

    @task
    def count() -> dict:
        """Dead letters by topic, and the alert."""
        context = get_current_context()
        answer = subprocess.run(
            [os.environ["LAMBDACTL_BIN"], "dags", "dead-letters", "--json"],
            env=plain_environment(), capture_output=True, text=True, timeout=120,
        )
        if answer.returncode == PREFLIGHT:
            raise AirflowSkipException("Kafka is not up: there is nothing to count")
        if answer.returncode != 0:
            raise RuntimeError(f"lambdactl dags dead-letters failed (exit {answer.returncode}): {answer.stdout}{answer.stderr}")
        now = json.loads(answer.stdout)["data"]["topics"]
        # Without map_indexes Airflow answers with every earlier run's.
        before = context["ti"].xcom_pull(task_ids="count", map_indexes=None, include_prior_dates=True) or now
        # A topic that has fewer than before was made anew: all of it is new.
        added = {
            topic: total - before.get(topic, 0) if total >= before.get(topic, 0) else total for topic, total in now.items()
        }
        print(f"dead letters: {now}; since the last look: {added}")
        if sum(added.values()) > context["params"]["threshold"]:
            post("dead_letters", {"dag": "dlq_watch", "added": {topic: count for topic, count in added.items() if count}})
        return now

    count()
