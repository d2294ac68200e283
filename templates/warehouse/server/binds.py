"""Values that come apart from the statement, in Snowflake's text form."""
from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
from fakesnow.converter import from_binding
from sqlglot import Expr, exp


def scalars(bindings: dict[str, Any] | None) -> list[Any] | dict[str, Any] | None:
    """One value a placeholder."""
    if not bindings:
        return None
    if all(key.isdigit() for key in bindings):
        return [_value(bindings[str(index)]) for index in range(1, len(bindings) + 1)]
    return {name: _value(binding) for name, binding in bindings.items()}


def columns_of(bindings: dict[str, Any] | None) -> list[list[Any]] | None:
    """A list of values a placeholder, one a row; None where the bindings are single values."""
    if not bindings or not any(isinstance(each.get("value"), list) for each in bindings.values()):
        return None
    ordered = [bindings[str(index)] for index in range(1, len(bindings) + 1)]
    return [[_value({**each, "value": value}) for value in each["value"]] for each in ordered]


def _value(binding: dict[str, Any]) -> Any:  # noqa: ANN401 - any type that DuckDB binds
    value = binding.get("value")
    if value is None:
        return None
    if binding["type"] == "REAL":
        return float(value)
    # The JavaScript client sends every number as FIXED.
    if binding["type"] == "FIXED" and isinstance(value, str) and not re.fullmatch(r"-?\d+", value):
        return float(value)
    return from_binding(binding)


def bulk_table(expression: Expr, columns: list[list[Any]]) -> pa.Table | None:
    """The rows of INSERT INTO t (…) VALUES (?, ?, …), as text that the INSERT casts; None where it is not as plain as that."""
    values = expression.find(exp.Values) if isinstance(expression, exp.Insert) else None
    if values is None or len(values.expressions) != 1:
        return None
    places = values.expressions[0].expressions
    if len(places) != len(columns) or not all(isinstance(each, exp.Placeholder) for each in places):
        return None
    arrays = [pa.array([None if each is None else each if isinstance(each, str) else str(each) for each in column], pa.string()) for column in columns]
    return pa.table(arrays, names=[f"c{index}" for index in range(len(columns))])
