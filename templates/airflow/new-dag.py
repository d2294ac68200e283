"""What NEW_DAG does, in one sentence: it is shown on the DAG's page.

Try it: lambdactl dags sync && lambdactl dags trigger NEW_DAG --wait
"""
from airflow.sdk import DAG, get_current_context, task
from lambda_platform.steps import DEFAULT_ARGS, lambdactl

with DAG(
    dag_id="NEW_DAG",
    # A cron expression in UTC, e.g. "0 6 * * *" for every day at six; None: only when triggered.
    schedule=None,
    # No start_date: the first run is the next tick, not the last one. Ticks missed while the stack was down are not made up, but the latest.
    catchup=False,
    max_active_runs=1,
    # Three retries with growing pauses, and an alert when they are used up.
    default_args=DEFAULT_ARGS,
    tags=["own"],
    doc_md=__doc__,
):
    # A command of lambdactl on this stack; its last line of output is what the next task can pull.
    look = lambdactl("look", "query", "select count() from user_events_realtime")

    # Any Python. It runs in Airflow's own interpreter: heavy work belongs into Spark or the warehouse.
    @task
    def tell() -> str:
        run = get_current_context()["dag_run"]
        print(f"run {run.run_id} with {run.conf}")
        return run.run_id

    look >> tell()
