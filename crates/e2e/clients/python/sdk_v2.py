"""The official Python SDK, v2. It finds the protocol revision without a handshake (`server/discover`). TRANSPORT=sse takes
HTTP+SSE, the transport of 2024-11-05."""

import os
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from walk import Walk, main


def transport(walk: Walk, auth: OAuthClientProvider) -> AbstractAsyncContextManager[Any]:
    def http_client(**options: Any) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(event_hooks={"response": [walk.recorder.response_hook]}, **options)

    if os.environ.get("TRANSPORT") == "sse":
        return sse_client(walk.mcp_url, auth=auth, httpx_client_factory=http_client)
    return streamable_http_client(walk.mcp_url, http_client=http_client(auth=auth, timeout=30))


async def drive(walk: Walk) -> None:
    async def callback() -> AuthorizationCodeResult:
        response = await walk.authorization_response()
        return AuthorizationCodeResult(code=response["code"], state=response.get("state"), iss=response.get("iss"))

    auth = OAuthClientProvider(walk.mcp_url, walk.client_metadata, walk.storage, walk.open_browser, callback)
    async with Client(transport(walk, auth)) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            if result.is_error or result.structured_content is None:
                raise RuntimeError(f"{tool} failed: {result.content}")
            return result.structured_content

        tools = (await client.list_tools()).tools
        await walk.use_tools(client.protocol_version, tools, call)


if __name__ == "__main__":
    main(Walk("Python SDK v2"), drive)
