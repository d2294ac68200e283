"""Snowflake's HTTP interface: login, statements, results in chunks, uploads, end of a session."""
from __future__ import annotations

import asyncio
import ctypes
import gzip
import json
import os
import platform
import secrets
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from fakesnow.expr import normalise_ident
from fakesnow.statement_type import DML_TYPE_IDS
from fakesnow.transforms import SERVER_VERSION
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import journal
from auth import authenticate, role_for
from engine import Engine
from errors import WireError, explain
from execute import Outcome, execute
from results import Chunks, encode
from session import Session, Sessions
from special import UPLOADS

ANSWER_SECONDS = 40
"""A statement that takes longer is answered with an address to ask again at, as Snowflake does: clients give up on a silent server."""
KEPT_REQUESTS = 2000

_libc = ctypes.CDLL("libc.so.6") if platform.libc_ver()[0] == "glibc" else None

_PARAMETERS = {
    "AUTOCOMMIT": True, "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600, "TIMEZONE": "Etc/UTC", "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS", "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM", "BINARY_OUTPUT_FORMAT": "HEX",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3", "TIMESTAMP_LTZ_OUTPUT_FORMAT": "", "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
}  # fmt: skip


class Wire:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = Sessions(engine)
        self.chunks = Chunks()
        # A client that got no answer sends the same request again: it must not run twice.
        self._requests: OrderedDict[str, Future[dict[str, Any]]] = OrderedDict()
        self._running: dict[str, Session] = {}
        self._guard = threading.Lock()
        self._pool = ThreadPoolExecutor(32, thread_name_prefix="statement")
        self._started = time.time()

    async def login(self, request: Request) -> JSONResponse:
        query, data = request.query_params, (await _body(request)).get("data") or {}
        try:
            return _success(await run_in_threadpool(self._login, query, data))
        except WireError as error:
            journal.log.warning("login refused user=%s: %s", str(data.get("LOGIN_NAME"))[:100], error.message)
            return _failure(error)

    def _login(self, query: Any, data: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
        user = authenticate(self.engine, data)
        role = self.engine.config.roles[role_for(self.engine.config, user, query.get("roleName"))]
        database, schema = (normalise_ident(value) if (value := query.get(key)) else None for key in ("databaseName", "schemaName"))
        warehouse = query.get("warehouse")
        javascript = data.get("CLIENT_APP_ID") == "JavaScript"
        session = self.sessions.open(user, role, database, schema, javascript, warehouse and warehouse.upper())
        settings = data.get("SESSION_PARAMETERS") or {}
        session.autocommit = str(settings.get("AUTOCOMMIT", True)).lower() != "false"
        journal.log.info("login user=%s role=%s session=%d by=%s client=%s", user.name, role.name, session.number,
                         data.get("AUTHENTICATOR") or "password", str(data.get("CLIENT_APP_ID"))[:40])  # fmt: skip
        # Arrays of values always come with the statement: there is no stage to put them in.
        threshold = 1_000_000_000 if javascript else 0
        parameters = {**_PARAMETERS, "AUTOCOMMIT": session.autocommit, "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": threshold}
        names = {"databaseName": session.database, "schemaName": session.schema, "warehouseName": session.warehouse, "roleName": role.name}
        return {
            "token": session.token, "masterToken": session.token, "validityInSeconds": 3600, "masterValidityInSeconds": 14400,
            "sessionId": session.number, "serverVersion": SERVER_VERSION, "displayUserName": user.name,
            "parameters": [{"name": name, "value": value} for name, value in parameters.items()], "sessionInfo": names,
        }  # fmt: skip

    async def query(self, request: Request) -> JSONResponse:
        session = self._session(request)
        body = await _body(request)
        base = f"{request.url.scheme}://{request.url.netloc}"
        key = f"{session.number}/{request.query_params.get('requestId') or secrets.token_hex(8)}"
        with self._guard:
            future = self._requests.get(key)
            if future is None:
                future = self._requests[key] = self._pool.submit(self._execute, key, session, body, base)
                while len(self._requests) > KEPT_REQUESTS:
                    self._requests.popitem(last=False)
        return await self._answer(key, future)

    async def _answer(self, key: str, future: Future[dict[str, Any]]) -> JSONResponse:
        try:
            answer = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), ANSWER_SECONDS)
        except TimeoutError:
            data = {"getResultUrl": f"/queries/{key}/result", "queryId": key.partition("/")[2], "queryAbortsAfterSecs": 14400}
            return JSONResponse({"data": data, "code": "333334", "message": None, "success": True})
        # A big answer is not kept for the unlikely second asking.
        if len(answer.get("data", {}).get("rowset") or answer.get("data", {}).get("rowsetBase64") or "") > 10_000:
            self._requests.pop(key, None)
        return JSONResponse(answer)

    def _execute(self, key: str, session: Session, body: dict[str, Any], base: str) -> dict[str, Any]:
        sql, started = str(body.get("sqlText") or ""), time.perf_counter()
        outcome = "failed"
        try:
            with session.lock:
                self._running[key] = session
                try:
                    done = execute(self.engine, self.sessions.locks, session, sql, body.get("bindings"), bool(body.get("describeOnly")))
                finally:
                    self._running.pop(key, None)
            outcome = f"rows={done.rows}"
            return {"data": self._data(session, done, base), "code": None, "message": None, "success": True}
        except WireError as error:
            outcome = f"error={error.code}"
            return _failed(error)
        except Exception as error:  # the session must outlive what nobody thought of
            journal.log.exception("statement failed unexpectedly")
            return _failed(explain(error))
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            if milliseconds > 500:
                _give_back_memory()
            journal.statement(session.user.name, session.role.name, session.number, milliseconds, outcome, sql)

    def _data(self, session: Session, done: Outcome, base: str) -> dict[str, Any]:
        if done.put is not None:
            if "presignedUrl" in done.put["stageInfo"]:
                done.put["stageInfo"]["presignedUrl"] = base + done.put["stageInfo"]["presignedUrl"]
            return done.put
        as_json = session.javascript or done.kind in DML_TYPE_IDS or not done.columns
        names = {"finalDatabaseName": session.database, "finalSchemaName": session.schema, "finalRoleName": session.role.name,
                 "finalWarehouseName": session.warehouse}  # fmt: skip
        described = {
            "parameters": [{"name": name, "value": value} for name, value in _PARAMETERS.items()], "rowtype": done.columns, "queryId": done.query,
            "statementTypeId": done.kind, "version": 1, "sqlState": "00000", "numberOfBinds": 0, "arrayBindSupported": True,
        }  # fmt: skip
        return described | names | encode(done.table, done.spill, done.columns, done.query, as_json, self.chunks, base)

    async def result(self, request: Request) -> JSONResponse:
        session = self._session(request)
        key = f"{request.path_params['session']}/{request.path_params['query']}"
        future = self._requests.get(key)
        if future is None or key.partition("/")[0] != str(session.number):
            return _failure(WireError(710, "02000", "The result is not known, or no longer."))
        return await self._answer(key, future)

    async def abort(self, request: Request) -> JSONResponse:
        session = self._session(request)
        if session in self._running.values():
            session.connection.duckdb.interrupt()
        return _success({})

    async def chunk(self, request: Request) -> Response:
        rendered = await run_in_threadpool(self.chunks.render, request.path_params["query"], request.path_params["index"])
        if rendered is None:
            return Response("the result is no longer kept", status_code=404)
        # Any other type makes the JavaScript client's stream parser fail.
        return Response(rendered, media_type="application/octet-stream")

    async def upload(self, request: Request) -> Response:
        directory = UPLOADS.pop(request.path_params["token"], None)
        name = os.path.basename(request.path_params["name"])
        if directory is None or not name:
            return Response("no such upload", status_code=403)
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f".{name}.part"), "wb") as file:
            async for part in request.stream():
                file.write(part)
        os.replace(file.name, os.path.join(directory, name))
        return Response()

    async def session(self, request: Request) -> JSONResponse:
        session = self._session(request)
        if request.query_params.get("delete"):
            await run_in_threadpool(self.sessions.close, session)
        return _success(None)

    async def renew(self, request: Request) -> JSONResponse:
        token = self._session(request).token
        return _success({"sessionToken": token, "masterToken": token, "validityInSecondsST": 3600, "validityInSecondsMT": 14400})

    async def health(self, _request: Request) -> JSONResponse:
        def check() -> dict[str, Any]:
            databases = self.engine.databases()
            return {"ok": True, "databases": databases, "sessions": len(self.sessions), "seconds": round(time.time() - self._started)}

        return JSONResponse(await run_in_threadpool(check))

    async def nothing(self, _request: Request) -> JSONResponse:
        return _success({})

    def _session(self, request: Request) -> Session:
        session = self.sessions.find(request.headers.get("Authorization"))
        if session is None:
            raise WireError("390104", "08001", "User must login again to access the service.")
        return session


def _give_back_memory() -> None:
    """What a big statement has freed stays with the allocators otherwise."""
    pa.default_memory_pool().release_unused()
    if _libc is not None:
        _libc.malloc_trim(0)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    return json.loads(raw) if raw else {}


def _success(data: Any) -> JSONResponse:  # noqa: ANN401
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


def _failed(error: WireError) -> dict[str, Any]:
    data = {"errorCode": error.code, "sqlState": error.state, "internalError": False, "type": "COMPILATION", "line": -1, "pos": -1}
    return {"data": data, "code": error.code, "message": error.message, "success": False}


def _failure(error: WireError) -> JSONResponse:
    return JSONResponse(_failed(error))


async def _on_error(_request: Request, error: Exception) -> JSONResponse:
    return _failure(explain(error))


def application(wire: Wire) -> Starlette:
    post, get = ["POST"], ["GET"]
    routes = [
        Route("/session/v1/login-request", wire.login, methods=post),
        Route("/session/token-request", wire.renew, methods=post),
        Route("/session/heartbeat", wire.session, methods=post),
        Route("/session", wire.session, methods=post),
        Route("/queries/v1/query-request", wire.query, methods=post),
        Route("/queries/v1/abort-request", wire.abort, methods=post),
        Route("/queries/{session}/{query}/result", wire.result, methods=get),
        Route("/chunks/{query}/{index:int}", wire.chunk, methods=get),
        Route("/uploads/{token}/{name}", wire.upload, methods=["PUT"]),
        Route("/telemetry/send", wire.nothing, methods=post),
        Route("/telemetry/send/sessionless", wire.nothing, methods=post),
        Route("/healthz", wire.health, methods=get),
    ]
    return Starlette(routes=routes, exception_handlers={WireError: _on_error})
