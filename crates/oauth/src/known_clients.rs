//! Which client a redirect URI may belong to. It proves nothing, since anybody may register any URI, and so nothing is decided
//! by it: the page about an unknown client (RFC 6749 §4.1.2.1) uses it to show the right way out first.

use url::{Host, Url};

/// Clients for which it is known how to make them register anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownClient {
    /// claude.ai, and the Claude apps, which connect by way of it.
    Claude,
    /// Claude Code.
    ClaudeCode,
    /// ChatGPT.
    ChatGpt,
    /// Codex.
    Codex,
    /// Visual Studio Code.
    VsCode,
    /// Zed.
    Zed,
    /// Gemini CLI.
    GeminiCli,
    /// OpenCode.
    OpenCode,
    /// mcp-remote, which many desktop programs start.
    McpRemote,
}

impl KnownClient {
    /// Every one, the most used first.
    pub const ALL: [KnownClient; 9] = [
        KnownClient::Claude,
        KnownClient::ClaudeCode,
        KnownClient::ChatGpt,
        KnownClient::VsCode,
        KnownClient::Codex,
        KnownClient::GeminiCli,
        KnownClient::OpenCode,
        KnownClient::Zed,
        KnownClient::McpRemote,
    ];

    /// As its maker writes it.
    pub const fn name(self) -> &'static str {
        match self {
            KnownClient::Claude => "Claude",
            KnownClient::ClaudeCode => "Claude Code",
            KnownClient::ChatGpt => "ChatGPT",
            KnownClient::Codex => "Codex",
            KnownClient::VsCode => "VS Code",
            KnownClient::Zed => "Zed",
            KnownClient::GeminiCli => "Gemini CLI",
            KnownClient::OpenCode => "OpenCode",
            KnownClient::McpRemote => "mcp-remote",
        }
    }

    /// The name in the texts of the page.
    pub const fn id(self) -> &'static str {
        match self {
            KnownClient::Claude => "claude",
            KnownClient::ClaudeCode => "claude_code",
            KnownClient::ChatGpt => "chatgpt",
            KnownClient::Codex => "codex",
            KnownClient::VsCode => "vscode",
            KnownClient::Zed => "zed",
            KnownClient::GeminiCli => "gemini_cli",
            KnownClient::OpenCode => "opencode",
            KnownClient::McpRemote => "mcp_remote",
        }
    }
}

/// The clients that use this redirect URI, the likeliest first; several listen on the same paths of this computer.
pub fn by_redirect_uri(redirect_uri: &str) -> Vec<KnownClient> {
    let Ok(url) = Url::parse(redirect_uri) else { return Vec::new() };
    match (url.scheme(), url.host()) {
        ("https", Some(Host::Domain(host))) => website(host, url.path()),
        ("http", Some(Host::Domain("localhost"))) => localhost(url.path()),
        ("http", Some(Host::Ipv4(ip))) if ip.is_loopback() => loopback_address(url.path()),
        ("vscode" | "vscode-insiders", _) => vec![KnownClient::VsCode],
        _ => Vec::new(),
    }
}

fn website(host: &str, path: &str) -> Vec<KnownClient> {
    match (host, path) {
        ("claude.ai" | "claude.com", "/api/mcp/auth_callback") => vec![KnownClient::Claude],
        ("chatgpt.com", "/connector_platform_oauth_redirect") => vec![KnownClient::ChatGpt],
        ("chatgpt.com", path) if path.starts_with("/connector/oauth/") => vec![KnownClient::ChatGpt],
        ("platform.openai.com", "/apps-manage/oauth") => vec![KnownClient::ChatGpt],
        ("vscode.dev" | "insiders.vscode.dev", "/redirect") => vec![KnownClient::VsCode],
        _ => Vec::new(),
    }
}

fn localhost(path: &str) -> Vec<KnownClient> {
    match path {
        "/callback" => vec![KnownClient::ClaudeCode],
        "/oauth/callback" => vec![KnownClient::McpRemote, KnownClient::GeminiCli],
        _ => Vec::new(),
    }
}

fn loopback_address(path: &str) -> Vec<KnownClient> {
    match path {
        "/" => vec![KnownClient::VsCode],
        "/callback" => vec![KnownClient::Codex, KnownClient::Zed, KnownClient::ClaudeCode],
        "/mcp/oauth/callback" => vec![KnownClient::OpenCode],
        path if path.starts_with("/callback/") => vec![KnownClient::Codex],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uris_that_clients_send_lead_to_them() {
        use KnownClient::{ChatGpt, Claude, ClaudeCode, Codex, GeminiCli, McpRemote, OpenCode, VsCode, Zed};
        for (uri, clients) in [
            ("https://claude.ai/api/mcp/auth_callback", &[Claude][..]),
            ("https://claude.com/api/mcp/auth_callback", &[Claude]),
            ("http://localhost:53280/callback", &[ClaudeCode]),
            ("https://chatgpt.com/connector_platform_oauth_redirect", &[ChatGpt]),
            ("https://chatgpt.com/connector/oauth/abc", &[ChatGpt]),
            ("https://platform.openai.com/apps-manage/oauth", &[ChatGpt]),
            ("http://127.0.0.1:1455/callback", &[Codex, Zed, ClaudeCode]),
            ("http://127.0.0.1:1455/callback/AbC_-123", &[Codex]),
            ("http://127.0.0.1:33418/", &[VsCode]),
            ("http://127.0.0.1", &[VsCode]),
            ("https://vscode.dev/redirect", &[VsCode]),
            ("https://insiders.vscode.dev/redirect", &[VsCode]),
            ("http://localhost:7777/oauth/callback", &[McpRemote, GeminiCli]),
            ("http://127.0.0.1:19876/mcp/oauth/callback", &[OpenCode]),
        ] {
            assert_eq!(by_redirect_uri(uri), clients, "{uri}");
        }
    }

    #[test]
    fn a_near_miss_is_nobody() {
        for uri in [
            "",
            "claude.ai",
            "/callback",
            "http://claude.ai/api/mcp/auth_callback",
            "https://claude.ai.evil.example/api/mcp/auth_callback",
            "https://claude.ai/other",
            "https://localhost/callback",
            "http://192.0.2.1/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "javascript:alert(1)",
        ] {
            assert_eq!(by_redirect_uri(uri), [], "{uri}");
        }
    }
}
