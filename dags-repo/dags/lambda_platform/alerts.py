"""Tells failures to a webhook: one JSON object by POST to LAMBDA_ALERT_WEBHOOK (profile: alerts.webhook), when it is set."""
from __future__ import annotations

import json
import logging
import os
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
# Before the second, third and fourth attempt.
PAUSES_SECONDS = (0.5, 1, 2)


def post(kind: str, fields: dict[str, Any]) -> bool:
    """Sends one alert, three times more when it does not arrive: one that comes twice does less harm than one that never comes.
    Never raises: an alert that cannot be sent must not turn a failure into another one.

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
    for pause in (*PAUSES_SECONDS, None):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                log.info("alert %s sent: %s", kind, answer.status)
                return True
        except OSError as error:
            # What the webhook refuses, it refuses again.
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429
            if pause is None or refused:
                log.error("alert %s could not be sent: %s", kind, error)
                return False
            log.warning("alert %s not sent yet: %s", kind, error)
            time.sleep(pause)
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
