//! What the quickstart says when everything runs: a screen to paste from, or one line for scripts.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::terminal::{BOLD, DIM, GOOD, LINK};

#[derive(Serialize)]
pub struct Ready {
    pub mcp_url: String,
    pub issuer: String,
    pub username: String,
    pub password: String,
    #[serde(skip)]
    pub demo: bool,
    #[serde(skip)]
    pub upstream: String,
    #[serde(skip)]
    pub data: PathBuf,
}

impl Ready {
    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        if json { writeln!(out, "{}", self.line()) } else { self.write_screen(&mut out) }?;
        out.flush()
    }

    fn line(&self) -> String {
        serde_json::to_string(self).expect("four strings are JSON")
    }

    fn write_screen(&self, out: &mut impl Write) -> io::Result<()> {
        let Ready { mcp_url, username, password, upstream, .. } = self;
        let (name, server) = if self.demo { ("notes", "The demo MCP server") } else { ("my-mcp", upstream.as_str()) };
        let data = self.data.display();
        writeln!(
            out,
            "
  {GOOD}Ready.{GOOD:#} {server} now asks everybody to sign in.

    MCP URL    {BOLD}{LINK}{mcp_url}{LINK:#}{BOLD:#}
    Sign in    {BOLD}{username}{BOLD:#}
    Password   {BOLD}{password}{BOLD:#}

  Connect Claude Code, then type /mcp in it to sign in:
    {LINK}claude mcp add --transport http {name} {mcp_url}{LINK:#}

  Or look around with the MCP Inspector (Node.js 22.19 or newer):
    {LINK}npx @modelcontextprotocol/inspector --transport http --server-url {mcp_url}{LINK:#}

  Or see the 401 that starts it all:
    {LINK}curl -i {mcp_url}{LINK:#}

  {DIM}Data, configuration and logs: {data} (delete it to start over)
  Stop with Ctrl-C.{DIM:#}
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Ready {
        let text = str::to_owned;
        Ready {
            mcp_url: text("http://127.0.0.1:8080/mcp"),
            issuer: text("http://127.0.0.1:8080"),
            username: text("demo"),
            password: text("p\"w"),
            demo: true,
            upstream: text("http://127.0.0.1:1/mcp"),
            data: PathBuf::from("/d"),
        }
    }

    #[test]
    fn the_json_line_has_exactly_the_four_members() {
        let expected = r#"{"mcp_url":"http://127.0.0.1:8080/mcp","issuer":"http://127.0.0.1:8080","username":"demo","password":"p\"w"}"#;
        assert_eq!(ready().line(), expected);
    }

    #[test]
    fn the_screen_has_the_lines_to_paste() {
        let mut screen = Vec::new();
        ready().write_screen(&mut screen).expect("memory takes everything");
        let screen = anstream::adapter::strip_bytes(&screen).into_vec();
        let screen = String::from_utf8(screen).expect("text");
        for line in [
            "    claude mcp add --transport http notes http://127.0.0.1:8080/mcp",
            "    curl -i http://127.0.0.1:8080/mcp",
        ] {
            assert!(screen.lines().any(|printed| printed == line), "{line:?} is not in {screen}");
        }
        assert!(screen.lines().all(|line| line.chars().count() <= 120));
    }
}
