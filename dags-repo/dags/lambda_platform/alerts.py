"""Tells failures to a webhook: one JSON object by POST to LAMBDA_ALERT_WEBHOOK (profile: alerts.webhook), when it is set."""
from __future__ import annotations

import json
import logging
import os
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10


def post(kind: str, fields: dict[str, Any]) -> bool:
    """Sends one alert. Never raises: an alert that cannot be sent must not turn a failure into another one.

    :return: whether it was taken
    """
    url = os.environ.get("LAMBDA_ALERT_WEBHOOK")
    body = {"kind": kind, "time": datetime.now(timezone.utc).isoformat(), "stack": os.environ.get("LAMBDACTL_STACK"), **fields}
    if not url:
        log.warning("no webhook is set (alerts.webhook of the profile); the alert would be %s", json.dumps(body))
        return False
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            log.info("alert %s sent: %s", kind, answer.status)
            return True
    except OSError as error:
        log.error("alert %s could not be sent: %s", kind, error)
        return False


def task_failed(context: dict[str, Any]) -> None:
    """on_failure_callback: a task failed for good, its retries are used up."""
    instance = context["ti"]
    post(
        "task_failed",
        {
            "dag": instance.dag_id,
            "run": instance.run_id,
            "task": instance.task_id,
            "try": instance.try_number,
            "error": str(context.get("exception"))[:2000],
            "log": f"lambdactl dags logs {instance.dag_id} --run '{instance.run_id}' --task {instance.task_id}",
        },
    )


def deadline_missed(dag: str, hours: float, context: dict[str, Any] | None = None, **_: Any) -> None:
    """Callback of a DeadlineAlert: a run is not finished in time."""
    run = (context or {}).get("dag_run") or {}
    run_id = run.get("dag_run_id") if isinstance(run, dict) else getattr(run, "run_id", None)
    post("deadline_missed", {"dag": dag, "run": run_id, "hours": hours})


def deadline(dag: str, hours: float) -> DeadlineAlert:
    """An alert when a run has not ended so many hours after it was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=SyncCallback(deadline_missed, kwargs={"dag": dag, "hours": hours}),
    )
