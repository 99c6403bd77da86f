"""An MCP server on the official Python SDK 1.x (FastMCP), with CORS for browsers.

Environment: PORT, EXECUTIONS, IDLE_TIMEOUT (seconds; 1.25 has none).
"""

import os

import uvicorn
from mcp.server.fastmcp import FastMCP
from starlette.middleware.cors import CORSMiddleware
from tools import count, end_with_parent, slow

end_with_parent()
idle = os.environ.get("IDLE_TIMEOUT")
server = FastMCP("python-1", **({"session_idle_timeout": float(idle)} if idle else {}))
server.add_tool(count)
server.add_tool(slow)
app = CORSMiddleware(
    server.streamable_http_app(),
    allow_origins=["*"],
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["*"],
    expose_headers=["Mcp-Session-Id"],
)
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
