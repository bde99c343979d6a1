"""Public tools first, a login when the first protected one is called, and another consent when a token does not reach far
enough: what the official Python SDKs make of the challenges, which they follow by themselves within a call. Prints one JSON
line for the test. From the environment: MCP_URL, SDK (v1|v2), CALLS ("a b c"), BROWSER_SCRIPT, and what that script reads."""

import os
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from walk import Call, Walk, main


class StepUp(Walk):
    def __init__(self, sdk: str) -> None:
        super().__init__(sdk)
        self.report |= {"asked": [], "granted": []}

    async def open_browser(self, authorization_url: str) -> None:
        """Asked for again and again."""
        self.report["asked"].append(parse_qs(urlsplit(authorization_url).query)["scope"][0])
        await self.visit(authorization_url)

    async def use_tools(self, protocol_revision: str, tools: list[Any], call: Call) -> None:
        for tool in os.environ["CALLS"].split(" "):
            asked = len(self.report["asked"])
            result = await call(tool, {"text": "stepped up"} if tool == "add_note" else {})
            was_challenged = len(self.report["asked"]) > asked
            if was_challenged:
                self.report["granted"].append(self.storage.tokens.scope)
            self.report["calls"].append({"tool": tool, "challenged": was_challenged, "result": result})


version = os.environ["SDK"]
main(StepUp(f"Python SDK {version}"), import_module(f"sdk_{version}").drive)
