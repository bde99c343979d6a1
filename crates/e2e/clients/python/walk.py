"""What the walks with both Python SDKs have in common: 401 -> metadata -> registration -> browser -> code -> token ->
tools, then expiry and refresh, twice, so that the rotated refresh token is used as well. Prints one JSON line for the
test. From the environment: MCP_URL, BROWSER_SCRIPT, and what that script reads."""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback import RedirectListener
from mcp.shared.auth import OAuthClientMetadata
from recorder import Recorder

CLIENT_NAME = "Gatelodge end-to-end test"
REFRESHES = 2
# The server may accept a token a little beyond its expiry, for clocks that disagree.
EXPIRY_PATIENCE_S = 60
POLL_S = 2

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class MemoryStorage:
    """The SDK's token storage."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


class Walk:
    def __init__(self, sdk: str) -> None:
        self.mcp_url = os.environ["MCP_URL"]
        self.recorder = Recorder()
        self.storage = MemoryStorage()
        self.redirect = RedirectListener()
        self.report: dict[str, Any] = {"sdk": sdk, "version": version("mcp"), "outcome": "authorized", "calls": []}
        self.client_metadata = OAuthClientMetadata(
            client_name=CLIENT_NAME,
            redirect_uris=[self.redirect.redirect_uri],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        )

    async def open_browser(self, authorization_url: str) -> None:
        """The SDK's redirect handler."""
        if "browser" in self.report:
            raise RuntimeError("the SDK asked for a second sign-in instead of refreshing")
        self.report["browser"] = await self.visit(authorization_url)

    async def visit(self, authorization_url: str) -> dict[str, Any]:
        """The person decides; what the browser saw."""
        self.state = parse_qs(urlsplit(authorization_url).query)["state"][0]
        self.recorder.keep_secret(self.state)
        browser = await asyncio.create_subprocess_exec(
            "node", os.environ["BROWSER_SCRIPT"], authorization_url, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await browser.communicate()
        if browser.returncode != 0:
            raise RuntimeError("the browser did not get through")
        seen: dict[str, Any] = json.loads(output)
        for secret in seen.pop("secrets"):
            self.recorder.keep_secret(secret)
        return seen

    async def authorization_response(self) -> dict[str, str]:
        """For the SDK's callback handler."""
        response = await asyncio.to_thread(self.redirect.arrived.get, timeout=30)
        self.recorder.keep_secret(response.get("code"))
        self.report["authorization_response"] = {
            "state_matches": response.get("state") == self.state,
            "iss": response.get("iss"),
            "error": response.get("error"),
        }
        if "error" in response:
            raise RuntimeError(f"the authorization server answered {response['error']}")
        return response

    async def use_tools(self, protocol_revision: str, tools: list[Any], call: Call) -> None:
        self.report["protocol_revision"] = protocol_revision
        self.report["tools"] = [
            {"name": tool.name, "title": tool.title, "annotations": tool.annotations.model_dump(by_alias=True)}
            for tool in tools
        ]
        await self._call(call, "add_note", {"text": f"written by {self.report['sdk']}"})
        for _ in range(REFRESHES):
            await asyncio.sleep(self.storage.tokens.expires_in)
            token_requests = len(self.recorder.token_requests)
            async with asyncio.timeout(EXPIRY_PATIENCE_S):
                while len(self.recorder.token_requests) == token_requests:
                    await asyncio.sleep(POLL_S)
                    answer = await call("list_notes", {})
            self.report["calls"].append({"tool": "list_notes", "result": answer})

    async def _call(self, call: Call, tool: str, arguments: dict[str, Any]) -> None:
        self.report["calls"].append({"tool": tool, "result": await call(tool, arguments)})

    def finished_report(self) -> dict[str, Any]:
        return {
            **self.report,
            "client": self.storage.client.model_dump(mode="json", exclude_none=True),
            "exchanges": self.recorder.exchanges,
            "challenges": self.recorder.challenges,
            "token_requests": self.recorder.token_requests,
            "secrets": sorted(self.recorder.secrets),
        }


def main(walk: Walk, drive: Callable[[Walk], Awaitable[None]]) -> None:
    try:
        asyncio.run(drive(walk))
    except Exception:
        print(f"{walk.report['sdk']}: {traceback.format_exc()}", file=sys.stderr)
        sys.exit(1)
    walk.redirect.close()
    print(json.dumps(walk.finished_report()))
