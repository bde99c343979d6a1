"""The official Python SDK, v2. It finds the protocol revision without a handshake (`server/discover`)."""

from typing import Any

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from walk import Walk, main


async def drive(walk: Walk) -> None:
    async def callback() -> AuthorizationCodeResult:
        response = await walk.authorization_response()
        return AuthorizationCodeResult(code=response["code"], state=response.get("state"), iss=response.get("iss"))

    auth = OAuthClientProvider(walk.mcp_url, walk.client_metadata, walk.storage, walk.open_browser, callback)
    hooks = {"response": [walk.recorder.response_hook]}
    async with (
        httpx2.AsyncClient(auth=auth, event_hooks=hooks, timeout=30) as http_client,
        Client(streamable_http_client(walk.mcp_url, http_client=http_client)) as client,
    ):

        async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            if result.is_error or result.structured_content is None:
                raise RuntimeError(f"{tool} failed: {result.content}")
            return result.structured_content

        tools = (await client.list_tools()).tools
        await walk.use_tools(client.protocol_version, tools, call)


if __name__ == "__main__":
    main(Walk("Python SDK v2"), drive)
