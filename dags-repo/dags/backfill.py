"""daily_batch for every day from one to another, one after the other, oldest first. A day that was run before is run again.

From the command line: `lambdactl dags backfill daily_batch --from 2026-01-01 --to 2026-01-31`.
"""
from datetime import date, datetime, timedelta, timezone

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, get_current_context, task
from lambda_platform.steps import DEFAULT_ARGS

MAX_DAYS = 366

with DAG(
    dag_id="backfill",
    description="daily_batch for a range of days",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # A day that failed has used up its own retries.
    default_args=DEFAULT_ARGS | {"retries": 0},
    params={
        "from": Param(type="string", format="date", description="First day (UTC)"),
        "to": Param(type="string", format="date", description="Last day (UTC)"),
    },
    tags=["batch"],
    doc_md=__doc__,
):

    @task
    def days() -> list[dict]:
        """What daily_batch is triggered with, one a day: the run of the tick that follows the day, so that no day has two runs."""
        params = get_current_context()["params"]
        first, last = date.fromisoformat(params["from"]), date.fromisoformat(params["to"])
        count = (last - first).days + 1
        if count < 1 or count > MAX_DAYS:
            raise ValueError(f"from {first} to {last} is {count} days; 1 to {MAX_DAYS} can be filled at once")
        if last >= datetime.now(timezone.utc).date():
            raise ValueError(f"{last} is not over yet")
        chosen = [first + timedelta(days=index) for index in range(count)]
        return [
            {
                "conf": {"date": day.isoformat()},
                "trigger_run_id": f"backfill__{day.isoformat()}",
                "logical_date": f"{(day + timedelta(days=1)).isoformat()}T02:00:00+00:00",
            }
            for day in chosen
        ]

    TriggerDagRunOperator.partial(
        task_id="daily_batch",
        trigger_dag_id="daily_batch",
        reset_dag_run=True,
        wait_for_completion=True,
        poke_interval=10,
        max_active_tis_per_dag=1,
    ).expand_kwargs(days())
