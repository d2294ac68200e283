"""The batch layer of one day (UTC), every night for the day before. A rerun replaces that day.

Every task is a command that can be run by hand. Run it for another day: `lambdactl dags trigger daily_batch --date 2026-01-31`.
"""
from airflow.sdk import DAG, Param
from lambda_platform.alerts import deadline
from lambda_platform.steps import BATCH_DATE, DEFAULT_ARGS, lambdactl

with DAG(
    dag_id="daily_batch",
    description="Lake check, Spark, load, dbt, quality, reconcile, metrics for one day",
    # No start_date: a new stack waits for the next night. With one, Airflow would run the last night at once.
    schedule="0 2 * * *",
    catchup=False,
    # Two days at once would share the two cores and the warehouse.
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=deadline("daily_batch", hours=24),
    params={"date": Param(None, type=["null", "string"], format="date", description="Day (UTC); the day before when empty")},
    tags=["batch"],
    doc_md=__doc__,
):
    date = ("--date", BATCH_DATE)
    check = lambdactl("check", "batch", "check", *date)
    spark = lambdactl("spark", "batch", "spark", *date)
    load = lambdactl("load", "batch", "load", *date)
    dbt = lambdactl("dbt", "batch", "dbt", *date)
    quality = lambdactl("quality", "batch", "quality", *date)
    reconcile = lambdactl("reconcile", "reconcile", *date, "--threshold", "profile")
    publish = lambdactl("publish", "batch", "publish", *date)

    check >> spark >> load >> dbt >> quality >> reconcile >> publish
