"""An MCP server made with the official Python SDK, v1: sessions, and an event store for resumption.

`python python_v1.py json` answers in JSON, `sse` in event streams.
"""

import contextlib
import sys

from mcp import types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import McpError
from mcp.shared.message import ServerMessageMetadata
from starlette.applications import Starlette
from starlette.routing import Route

import common



class AnnouncingServer(Server):
    """The session manager asks for these options without arguments."""

    def create_initialization_options(self):
        return super().create_initialization_options(NotificationOptions(tools_changed=True))


class Store(common.Events, EventStore):
    pass


server = AnnouncingServer("python-v1", version="1")


async def list_tools(_):
    return types.ServerResult(types.ListToolsResult(tools=[types.Tool(**tool) for tool in common.TOOLS]))


async def call_tool(request):
    context, name = server.request_context, request.params.name
    request_id = str(context.request_id)

    async def progress(number, total):
        token = context.meta.progressToken if context.meta else None
        if token is not None:
            session = context.session
            await session.send_progress_notification(token, number, total, related_request_id=request_id)

    if name == "ask":
        roots = await context.session.send_request(
            types.ServerRequest(types.ListRootsRequest()),
            types.ListRootsResult,
            metadata=ServerMessageMetadata(related_request_id=request_id),
        )
        said = " ".join(str(root.uri) for root in roots.roots)
    elif name == "announce":
        await context.session.send_tool_list_changed()
        said = "announced"
    else:
        said = await common.call(name, request.params.arguments, progress)
    if said is None:
        raise McpError(types.ErrorData(code=types.INVALID_PARAMS, message=f"no tool {name}"))
    return types.ServerResult(types.CallToolResult(content=[types.TextContent(type="text", text=said)]))


server.request_handlers[types.ListToolsRequest] = list_tools
server.request_handlers[types.CallToolRequest] = call_tool

manager = StreamableHTTPSessionManager(
    server, event_store=Store(EventMessage), json_response=sys.argv[1] == "json", retry_interval=500
)


@contextlib.asynccontextmanager
async def lifespan(_):
    async with manager.run():
        yield


class Endpoint:
    async def __call__(self, scope, receive, send):
        await manager.handle_request(scope, receive, send)


if __name__ == "__main__":
    common.serve(Starlette(routes=[Route("/mcp", endpoint=Endpoint())], lifespan=lifespan))
