"""Keeps the lake small and quick: snapshots that are too old expire, small files become large ones."""
from airflow.sdk import DAG
from lambda_platform.steps import DEFAULT_ARGS, lambdactl

with DAG(
    dag_id="lake_maintenance",
    description="Expire snapshots, compact small files",
    schedule="30 3 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["lake"],
    doc_md=__doc__,
):
    lambdactl("maintain", "lake", "maintain")
