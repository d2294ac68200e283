"""Loads every DAG file of a directory and says what is in it, as JSON: python -m lambda_platform.integrity DIRECTORY

{"dags": [{"id": …, "file": …, "tasks": {"check": ["spark"], …}, "schedule": …, …}], "errors": {"broken.py": "Traceback …"}}
"""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization


def describe(dag: DAG) -> dict[str, Any]:
    # What Airflow stores: a DAG that cannot be written into its database never runs.
    DagSerialization.to_dict(dag)
    dag.check_cycle()
    return {
        "id": dag.dag_id,
        "schedule": getattr(dag.timetable, "expression", None),
        "maxActiveRuns": dag.max_active_runs,
        "catchup": dag.catchup,
        "deadlines": len(dag.deadline or []),
        "doc": bool(dag.doc_md),
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "retries": {task.task_id: task.retries for task in dag.tasks},
        "callbacks": all(task.has_on_failure_callback for task in dag.tasks),
        "arguments": {task.task_id: task.arguments for task in dag.tasks if hasattr(task, "arguments")},
    }


def main(directory: str) -> None:
    bag = DagBag(dag_folder=directory, bundle_path=Path(directory), bundle_name="check", safe_mode=False)
    dags = [describe(dag) | {"file": Path(dag.fileloc).name} for dag in bag.dags.values()]
    errors = {Path(file).name: trace for file, trace in bag.import_errors.items()}
    # One line, the last: Airflow writes its log to the same place.
    print(f"\n{json.dumps({'dags': dags, 'errors': errors})}")


if __name__ == "__main__":
    main(sys.argv[1])
