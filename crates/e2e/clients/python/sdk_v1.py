"""The official Python SDK, v1. TRANSPORT=sse takes HTTP+SSE, the transport of 2024-11-05."""

import os
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from walk import Walk, main


def transport(walk: Walk, auth: OAuthClientProvider) -> AbstractAsyncContextManager[Any]:
    def http_client(**options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(event_hooks={"response": [walk.recorder.response_hook]}, **options)

    if os.environ.get("TRANSPORT") == "sse":
        return sse_client(walk.mcp_url, auth=auth, httpx_client_factory=http_client)
    return streamable_http_client(walk.mcp_url, http_client=http_client(auth=auth, timeout=30))


async def drive(walk: Walk) -> None:
    async def callback() -> tuple[str, str | None]:
        response = await walk.authorization_response()
        return response["code"], response.get("state")

    auth = OAuthClientProvider(walk.mcp_url, walk.client_metadata, walk.storage, walk.open_browser, callback)
    async with transport(walk, auth) as (read, write, *_), ClientSession(read, write) as session:

        async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            result = await session.call_tool(tool, arguments)
            if result.isError or result.structuredContent is None:
                raise RuntimeError(f"{tool} failed: {result.content}")
            return result.structuredContent

        protocol_revision = (await session.initialize()).protocolVersion
        tools = (await session.list_tools()).tools
        await walk.use_tools(str(protocol_revision), tools, call)


if __name__ == "__main__":
    main(Walk("Python SDK v1"), drive)
