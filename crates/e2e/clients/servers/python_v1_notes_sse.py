"""The notes server over HTTP+SSE, the transport of MCP 2024-11-05, made with the official Python SDK, v1. As the one over
Streamable HTTP (`crates/e2e/examples/notes_server.rs`), it says with each answer which identity headers came with the call.
"""

from typing import Any

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import ToolAnnotations

import common

server = FastMCP("notes")
notes: list[dict[str, str]] = []


def caller(context: Context) -> dict[str, Any]:
    headers = context.request_context.request.headers
    identity = {name: value for name, value in headers.items() if name.startswith("x-mcp-auth-")}
    return {"identity": identity, "authorization_received": "authorization" in headers}


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def list_notes(context: Context) -> dict[str, Any]:
    """Lists all notes with their authors, oldest first."""
    return {"notes": notes, "caller": caller(context)}


@server.tool(annotations=ToolAnnotations(readOnlyHint=False))
def add_note(text: str, context: Context) -> dict[str, Any]:
    """Adds one note in the name of the signed-in user."""
    told = caller(context)
    note = {"author": told["identity"].get("x-mcp-auth-sub", "anonymous"), "text": text}
    notes.append(note)
    return {"note": note, "caller": told}


if __name__ == "__main__":
    common.serve(server.sse_app())
