//! Whether an MCP server looks as if everybody could reach it.

use super::*;

#[test]
fn an_mcp_server_that_everybody_could_reach_is_told_from_one_that_nobody_can() {
    let looks_public = |host: &str| {
        let raw = toml::from_str::<RawResource>(&format!("path = \"/mcp\"\nupstream = \"http://{host}/mcp\""));
        let origin = gatelodge_service::config::public_url("https://h.example", "k", &mut Problems::default());
        let mut problems = Problems::default();
        let checked = check(vec![raw.expect("a table")], origin.as_ref(), false, &mut problems);
        checked.first().expect("a good one").looks_public()
    };
    for host in ["mcp.example.com", "mcp.example.com.", "8.8.8.8", "100.128.0.1", "[2001:db8::1]", "172.32.0.1"] {
        assert!(looks_public(host), "{host}");
    }
    for host in [
        "my-mcp:3000",
        "localhost",
        "127.0.0.1:3000",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "[::1]",
        "[fd00::1]",
        "mcp.prod.svc.cluster.local",
        "mcp.internal",
    ] {
        assert!(!looks_public(host), "{host}");
    }
}
