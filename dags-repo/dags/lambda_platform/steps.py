"""Steps of DAGs that call lambdactl, so that a DAG does nothing that cannot be done by hand in the same words."""
from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from lambda_platform.alerts import task_failed

# Day (UTC) that a run is for: asked for by conf or form, else the day before the run's own.
BATCH_DATE = (
    "{{ params.date or ((dag_run.logical_date or dag_run.run_after) - macros.timedelta(days=1)).strftime('%Y-%m-%d') }}"
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "lambdactl",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=10),
    "on_failure_callback": task_failed,
}

# Exit codes of lambdactl. After the first two the same call fails again: wrong input, and a check that was made and is not right.
BAD_INPUT, CHECK_FAILED, PREFLIGHT = 2, 10, 20

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class LambdactlOperator(BaseOperator):
    """Runs lambdactl for this stack; what it says goes to the task's log, its last line is the XCom.

    Exit 10 (checked, and not right) and 2 (bad input) fail the task at once, everything else that is not 0 is retried.

    :param arguments: of the command, templated
    """

    template_fields: Sequence[str] = ("arguments",)
    ui_color = "#e8f0fe"

    def __init__(self, *, arguments: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self._hook: SubprocessHook | None = None

    def execute(self, context: Any) -> str:
        self._hook = SubprocessHook()
        command = [os.environ["LAMBDACTL_BIN"], *self.arguments]
        code, output = self._hook.run_command(command, env=plain_environment())
        shown = f"lambdactl {' '.join(self.arguments)}"
        if code == 0:
            return ESCAPES.sub("", output)
        if code == CHECK_FAILED:
            raise AirflowFailException(f"CHECK FAILED: {shown} found differences (exit 10); its report is above. Not retried.")
        if code == BAD_INPUT:
            raise AirflowFailException(f"{shown} does not take this input (exit 2): {output}")
        raise AirflowException(f"{shown} failed (exit {code}): {output}")

    def on_kill(self) -> None:
        if self._hook is not None:
            self._hook.send_sigterm()


def plain_environment() -> dict[str, str]:
    """Without Airflow's own settings: they hold its secrets, and its PYTHONPATH is for no other Python."""
    hidden = ("AIRFLOW", "PYTHONPATH", "_AIRFLOW")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {"CI": "1"}


def lambdactl(task_id: str, *arguments: str, **kwargs: Any) -> LambdactlOperator:
    """A task that runs ``lambdactl ARGUMENTS``."""
    return LambdactlOperator(task_id=task_id, arguments=arguments, **kwargs)
