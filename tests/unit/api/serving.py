"""An application behind a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import uvicorn
from fastapi import FastAPI

from tests.support.eventually import eventually


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[tuple[uvicorn.Server, httpx2.AsyncClient]]:
    """Serve an application on a free port, as the command line does."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, access_log=False, log_config=None, timeout_graceful_shutdown=5, http="httptools")
    )
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield server, client
    finally:
        server.should_exit = True
        await serving
