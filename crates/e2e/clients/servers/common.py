"""What both Python servers of this folder share: the tools in plain JSON, as in tools.mjs, and how they are served."""

import asyncio
import itertools
import socket

import uvicorn


def _tool(name, description, properties):
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    _tool("echo", "Gives the text back", {"text": {"type": "string"}}),
    _tool("count", "Counts, with a progress notification for each number", {"to": {"type": "integer"}}),
    _tool("ask", "Asks the client for its roots", {}),
    _tool("wait", "Waits until it is cancelled, and says so in the server's log", {"label": {"type": "string"}}),
    _tool("hold", "Reports progress once, then waits for `release`", {"label": {"type": "string"}}),
    _tool("release", "Lets `hold` go on", {"label": {"type": "string"}}),
    _tool("announce", "Tells everybody that the list of tools has changed", {}),
]

_held = {}


async def call(name, arguments, progress):
    """The text that a tool gives, or None when there is no such tool. Only those that need nothing of the SDK."""
    if name == "echo":
        return arguments["text"]
    if name == "count":
        for number in range(1, arguments["to"] + 1):
            await progress(number, arguments["to"])
        return f"counted to {arguments['to']}"
    if name == "wait":
        print(f"waiting {arguments['label']}", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            print(f"cancelled {arguments['label']}", flush=True)
    if name == "hold":
        released = _held.setdefault(arguments["label"], asyncio.Event())
        await progress(1, 2)
        await released.wait()
        await progress(2, 2)
        print(f"released {arguments['label']}", flush=True)
        return "released"
    if name == "release":
        _held.pop(arguments["label"]).set()
        return "released it"
    return None


class Events:
    """Events that can be replayed. `EventMessage` is the SDK's; the ids are masked by the test: all sessions share them."""

    def __init__(self, event_message):
        self._event_message = event_message
        self._events = []
        self._numbers = itertools.count()

    async def store_event(self, stream_id, message):
        event_id = f"e{next(self._numbers)}"
        self._events.append((event_id, stream_id, message))
        return event_id

    async def replay_events_after(self, last_event_id, send):
        last = next((at for at, event in enumerate(self._events) if event[0] == last_event_id), None)
        if last is None:
            return None
        stream_id = self._events[last][1]
        for event_id, stream, message in self._events[last + 1 :]:
            # The event that opens a stream carries no message.
            if stream == stream_id and message is not None:
                await send(self._event_message(message, event_id))
        return stream_id


def serve(app):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Who reads the line may connect at once, before uvicorn is ready.
    listener.listen()
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
