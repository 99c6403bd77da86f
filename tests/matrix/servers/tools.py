"""The tools of our own Python servers. Environment: EXECUTIONS (file to append executions to)."""

import os
import sys
import threading

import anyio


def record(what: str, tool: str, key: str) -> None:
    """One short append is atomic: the file counts executions across processes."""
    with open(os.environ["EXECUTIONS"], "a") as file:
        file.write(f"{what} {tool} {key} {os.getpid()}\n")


async def count(key: str) -> str:
    """A write: each execution leaves a line in the file."""
    record("started", "count", key)
    record("finished", "count", key)
    return f"counted {key}"


async def slow(key: str, seconds: float) -> str:
    """A write that takes its time."""
    record("started", "slow", key)
    await anyio.sleep(seconds)
    record("finished", "slow", key)
    return f"counted {key}"


def end_with_parent() -> None:
    """The test holds the other end of stdin for as long as it lives."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
