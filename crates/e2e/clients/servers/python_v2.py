"""An MCP server made with the official Python SDK, v2: sessions for the legacy revisions, and 2026-07-28 without them.

`python python_v2.py json` answers in JSON, `sse` in event streams.
"""

import sys

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

import common

MODERN = "2026-07-28"
bus = InMemorySubscriptionBus()


class Store(common.Events, EventStore):
    pass


async def list_tools(_context, _params):
    return types.ListToolsResult(tools=[types.Tool.model_validate(tool) for tool in common.TOOLS])


async def call_tool(context, params):
    async def progress(number, total):
        await context.session.report_progress(number, total)

    modern = context.protocol_version >= MODERN
    if params.name == "ask" and modern and not params.input_responses:
        requests = {"roots": types.ListRootsRequest()}
        return types.InputRequiredResult(input_requests=requests, request_state='asked for {"roots"}')
    if params.name == "ask":
        answer = params.input_responses["roots"] if modern else await ask(context)
        said = " ".join(str(root.uri) for root in answer.roots)
    elif params.name == "announce":
        await (bus.publish(ToolsListChanged()) if modern else context.session.send_tool_list_changed())
        said = "announced"
    else:
        said = await common.call(params.name, params.arguments, progress)
    if said is None:
        raise MCPError(types.INVALID_PARAMS, f"no tool {params.name}")
    return types.CallToolResult(content=[types.TextContent(type="text", text=said)])


async def ask(context):
    metadata = ServerMessageMetadata(related_request_id=context.request_id)
    return await context.session.send_request(types.ListRootsRequest(), types.ListRootsResult, metadata=metadata)


server = Server(
    "python-v2",
    version="1",
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    on_subscriptions_listen=ListenHandler(bus),
)

if __name__ == "__main__":
    common.serve(
        server.streamable_http_app(
            json_response=sys.argv[1] == "json", event_store=Store(EventMessage), retry_interval=500
        )
    )
