"""An MCP server on the official Python SDK, with CORS for browsers. It speaks both eras.

`POST /touch` changes the resource `test://clock` and tells whoever is subscribed to it, `POST /lists` tells that all lists
have changed, `POST /say?level=…&text=…` logs, to each session from the level on that it has set.

Environment: PORT, EXECUTIONS (file to append executions to), IDLE_TIMEOUT (seconds), JSON=1 (JSON answers, not SSE),
TTL (milliseconds for which lists and resources may be kept in the modern era), PROCESS_TOKEN (what `whoami` tells).
"""

import json
import os
import secrets
import sys
import threading
from typing import get_args

import anyio
import uvicorn
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    EmptyResult,
    InputRequiredResult,
    LoggingLevel,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse

TOKEN = os.environ.get("PROCESS_TOKEN") or secrets.token_hex(8)
EXECUTIONS = os.environ.get("EXECUTIONS", os.devnull)
HINT = CacheHint(ttl_ms=int(os.environ.get("TTL", "0")))
LISTS = ["tools/list", "resources/list", "resources/read", "prompts/list"]
bus = InMemorySubscriptionBus()
server = MCPServer("python-e2e", version="1.0.0", subscriptions=bus, cache_hints={method: HINT for method in LISTS})


def record(what: str, tool: str, key: str) -> None:
    """One short append is atomic: the file counts executions across processes."""
    with open(EXECUTIONS, "a") as file:
        file.write(f"{what} {tool} {key} {os.getpid()}\n")


@server.tool(structured_output=False)
async def echo(message: str) -> str:
    """Says it back."""
    return f"Echo: {message}"


@server.tool(structured_output=False)
async def whoami() -> str:
    """The process id, and a token that only this process knows."""
    return f"{os.getpid()} {TOKEN}"


@server.tool(structured_output=False)
async def count(key: str) -> str:
    """A write: each execution leaves a line in the file."""
    record("started", "count", key)
    record("finished", "count", key)
    return f"counted {key}"


@server.tool(structured_output=False)
async def slow(key: str, seconds: float) -> str:
    """A write that takes its time."""
    record("started", "slow", key)
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        record("aborted", "slow", key)
        raise
    record("finished", "slow", key)
    return f"counted {key}"


@server.tool(structured_output=False)
async def steps(key: str, steps: int, ctx: Context) -> str:
    """Tells how far it has come."""
    record("started", "steps", key)
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps)
        await ctx.log("info", f"step {step}")
        await ctx.log("debug", f"detail {step}")
        await anyio.sleep(0.05)
    record("finished", "steps", key)
    return f"counted {key}"


def ask(name: str, message: str) -> dict:
    schema = {"type": "object", "properties": {"seats": {"type": "integer"}}, "required": ["seats"]}
    return {name: ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))}


@server.tool(structured_output=False)
async def book(key: str, ctx: Context) -> str | InputRequiredResult:
    """Asks twice, in the modern era: for the seats, and then whether they are right."""
    given = ctx.input_responses or {}
    if "sure" in given and ctx.request_state:
        record("started", "book", key)
        return f"booked {json.loads(ctx.request_state)['seats']}"
    if "seats" in given and given["seats"].action == "accept":
        seats = given["seats"].content["seats"]
        return InputRequiredResult(input_requests=ask("sure", f"{seats} seats?"), request_state=json.dumps({"seats": seats}))
    return InputRequiredResult(input_requests=ask("seats", "How many?"))


@server.tool(structured_output=False)
async def fail_session(key: str) -> str:
    """Runs, then fails with the words of a refused session."""
    record("started", "fail_session", key)
    raise MCPError(code=-32600, message="Session not found")


touched = 0
subscribers: dict = {}
levels: dict = {}
SEVERITY = get_args(LoggingLevel)


@server.resource("test://clock")
def clock() -> str:
    """How often it was touched."""
    return str(touched)


@server.resource("test://slow")
async def slow_resource() -> str:
    """A read that takes its time."""
    record("started", "read", "slow")
    await anyio.sleep(3)
    return TOKEN


@server.prompt()
def greet() -> str:
    """A greeting."""
    return "Good day"


def session_id(ctx) -> str:
    return ctx.request.headers["mcp-session-id"]


async def subscribe(ctx, params: SubscribeRequestParams) -> EmptyResult:
    subscribers[session_id(ctx), str(params.uri)] = ctx.session
    return EmptyResult()


async def unsubscribe(ctx, params: UnsubscribeRequestParams) -> EmptyResult:
    subscribers.pop((session_id(ctx), str(params.uri)), None)
    return EmptyResult()


async def set_level(ctx, params: SetLevelRequestParams) -> EmptyResult:
    levels[session_id(ctx)] = (SEVERITY.index(params.level), ctx.session)
    return EmptyResult()


# MCPServer serves neither by itself.
for method, takes, handler in [
    ("resources/subscribe", SubscribeRequestParams, subscribe),
    ("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe),
    ("logging/setLevel", SetLevelRequestParams, set_level),
]:
    server._lowlevel_server.add_request_handler(method, takes, handler)


@server.custom_route("/touch", methods=["POST"])
async def touch(_request):
    global touched
    touched += 1
    for (_, uri), session in list(subscribers.items()):
        await session.send_resource_updated(uri)
    await bus.publish(ResourceUpdated(uri="test://clock"))
    return PlainTextResponse(f"{touched}\n")


@server.custom_route("/lists", methods=["POST"])
async def lists(_request):
    for event in [ToolsListChanged(), ResourcesListChanged(), PromptsListChanged()]:
        await bus.publish(event)
    return PlainTextResponse("told\n")


@server.custom_route("/say", methods=["POST"])
async def say(request):
    level, text = request.query_params["level"], request.query_params["text"]
    for least, session in list(levels.values()):
        if SEVERITY.index(level) >= least:
            await session.send_log_message(level, text, logger="e2e")
    return PlainTextResponse("said\n")


def end_with_parent() -> None:
    """The test holds the other end of stdin for as long as it lives."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    if os.environ.get("END_WITH_STDIN"):
        threading.Thread(target=end_with_parent, daemon=True).start()
    idle = os.environ.get("IDLE_TIMEOUT")
    app = server.streamable_http_app(
        json_response=os.environ.get("JSON") == "1",
        **({"session_idle_timeout": float(idle)} if idle else {}),
    )
    app = CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["Mcp-Session-Id"],
    )
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
