"""An MCP server on the official Python SDK, with CORS for browsers.

Environment: PORT, EXECUTIONS (file to append executions to), IDLE_TIMEOUT (seconds), JSON=1 (JSON answers, not SSE),
PROCESS_TOKEN (what `whoami` tells).
"""

import os
import secrets
import sys
import threading

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from starlette.middleware.cors import CORSMiddleware

TOKEN = os.environ.get("PROCESS_TOKEN") or secrets.token_hex(8)
EXECUTIONS = os.environ.get("EXECUTIONS", os.devnull)
server = MCPServer("python-e2e", version="1.0.0")


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
    await anyio.sleep(seconds)
    record("finished", "slow", key)
    return f"counted {key}"


@server.tool(structured_output=False)
async def fail_session(key: str) -> str:
    """Runs, then fails with the words of a refused session."""
    record("started", "fail_session", key)
    raise MCPError(code=-32600, message="Session not found")


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
