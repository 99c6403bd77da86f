"""An MCP server on FastMCP 4, with CORS for browsers.

Environment: PORT, EXECUTIONS, IDLE_TIMEOUT (seconds).
"""

import os

import uvicorn
from fastmcp import FastMCP
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from tools import count, end_with_parent, slow

end_with_parent()
idle = os.environ.get("IDLE_TIMEOUT")
server = FastMCP("fastmcp-4")
server.tool(count)
server.tool(slow)
cors = Middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["*"],
    expose_headers=["Mcp-Session-Id"],
)
app = server.http_app(middleware=[cors], **({"session_idle_timeout": float(idle)} if idle else {}))
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
