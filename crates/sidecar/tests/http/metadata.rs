//! RFC 9728 §3: the metadata document in all its forms, and nothing else under `/.well-known/`.

use reqwest::Method;

use crate::support::{World, header};

fn document(resource: &str) -> String {
    format!(
        "{{\"resource\":\"{resource}\",\"authorization_servers\":[\"https://mcp.example.com\"],\
         \"scopes_supported\":[\"mcp:use\"],\"bearer_methods_supported\":[\"header\"],\"resource_name\":\"Test MCP\"}}"
    )
}

/// Proves RFC 9728 §3.3: the resource in the metadata is the one it was asked for.
#[actix_web::test]
async fn every_form_describes_the_resource_as_it_was_typed() {
    let world = World::start().await;
    for (path, resource) in [
        ("/.well-known/oauth-protected-resource/mcp", "https://mcp.example.com/mcp"),
        ("/.well-known/oauth-protected-resource/mcp/", "https://mcp.example.com/mcp/"),
        ("/.well-known/oauth-protected-resource", "https://mcp.example.com/mcp"),
        ("/.well-known/oauth-protected-resource/", "https://mcp.example.com/mcp"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = world.client.request(method.clone(), world.url(path)).header("Authorization", "Bearer bad");
            let request = request.header("X-Forwarded-Host", "evil.example").header("Forwarded", "host=evil.example");
            let response = request.header("Origin", "https://anywhere.example").send().await.expect("an answer");
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(header(&response, "content-type"), "application/json");
            assert_eq!(header(&response, "access-control-allow-origin"), "*");
            assert_eq!(header(&response, "access-control-allow-credentials"), "");
            assert_eq!(header(&response, "cache-control"), "public, max-age=300");
            assert_eq!(header(&response, "set-cookie"), "");
            let body = response.text().await.expect("a body");
            assert_eq!(body, if method == Method::GET { document(resource) } else { String::new() }, "{path}");
        }
    }
}

/// Proves RFC 9728 §2: the pages of a resource are in its metadata.
#[actix_web::test]
async fn the_pages_that_the_operator_names_are_told() {
    let pages = "documentation_url = \"https://example.com/docs\"\npolicy_url = \"https://example.com/privacy\"\n\
                 terms_url = \"https://example.com/terms\"\n";
    let world = World::with(|toml| toml + pages).await;
    let url = world.url("/.well-known/oauth-protected-resource/mcp");
    let document: serde_json::Value =
        world.client.get(url).send().await.expect("an answer").json().await.expect("JSON");
    for (name, page) in [("documentation", "docs"), ("policy_uri", "privacy"), ("tos_uri", "terms")] {
        assert_eq!(document[format!("resource_{name}")], format!("https://example.com/{page}"));
    }
}

#[actix_web::test]
async fn of_several_resources_none_is_at_the_root() {
    let second = "[[resource]]\npath = \"/two\"\nupstream = \"http://127.0.0.1:9/\"\nscopes = [\"two:use\"]\n";
    let world = World::with(|toml| toml + second).await;
    for (path, status) in [("/mcp", 200), ("/two", 200), ("/two/", 200), ("", 404), ("/", 404), ("/three", 404)] {
        let url = world.url(&format!("/.well-known/oauth-protected-resource{path}"));
        assert_eq!(world.client.get(url).send().await.expect("an answer").status(), status, "{path}");
    }
    let response =
        world.client.post(world.url("/two")).bearer_auth(world.authority.token()).send().await.expect("an answer");
    assert_eq!(response.status(), 401, "a token for one resource is not for the other");
    assert!(header(&response, "www-authenticate").contains("oauth-protected-resource/two\", scope=\"two:use\""));
}

/// Clients of HTTP+SSE that probe before they are challenged look below the path that was typed.
#[actix_web::test]
async fn the_path_of_a_stream_leads_to_the_metadata_of_its_resource_and_of_no_other() {
    let tables = "[resource.legacy_sse]\nsse_path = \"/mcp/sse\"\nmessage_path = \"/mcp/messages\"\nupstream = \"http://127.0.0.1:9/s\"\n\
                  [[resource]]\npath = \"/two\"\nupstream = \"http://127.0.0.1:9/\"\n\
                  [resource.legacy_sse]\nsse_path = \"/two/sse\"\nmessage_path = \"/two/messages\"\nupstream = \"http://127.0.0.1:9/s\"\n";
    let world = World::with(|toml| toml + tables).await;
    let at = async |path: &str| {
        let url = world.url(&format!("/.well-known/oauth-protected-resource{path}"));
        let response = world.client.get(url).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    for path in ["/mcp", "/two"] {
        let (status, of_resource) = at(path).await;
        assert_eq!(status, 200);
        assert!(of_resource.contains(&format!("\"resource\":\"https://mcp.example.com{path}\"")), "{of_resource}");
        assert_eq!(at(&format!("{path}/sse")).await, (200, of_resource));
        assert_eq!(at(&format!("{path}/messages")).await.0, 404);
    }
}

#[actix_web::test]
async fn texts_of_the_operator_are_there_for_everybody() {
    let world = World::with(|toml| toml + "[well_known]\n\"openai-apps-challenge\" = \"pröof\"\n").await;
    let url = world.url("/.well-known/openai-apps-challenge");
    for method in [Method::GET, Method::HEAD] {
        let response = world.client.request(method.clone(), &url).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
        assert_eq!(header(&response, "content-length"), "6");
        assert_eq!(response.text().await.expect("a body"), if method == Method::GET { "pröof" } else { "" });
    }
    let posted = world.client.post(&url).send().await.expect("an answer");
    assert_eq!((posted.status().as_u16(), header(&posted, "allow")), (405, "GET, HEAD, OPTIONS".into()));
    for other in ["/openai-apps-challenge/", "/OpenAI-apps-challenge", "/openai-apps-challenge/x"] {
        let url = world.url(&format!("/.well-known{other}"));
        assert_eq!(world.client.get(url).send().await.expect("an answer").status(), 404, "{other}");
    }
}

#[actix_web::test]
async fn a_resource_at_the_root_is_the_origin_itself() {
    let world = World::with(|toml| toml.replace("path = \"/mcp\"", "path = \"/\"")).await;
    for (path, resource) in [
        ("/.well-known/oauth-protected-resource", "https://mcp.example.com"),
        ("/.well-known/oauth-protected-resource/", "https://mcp.example.com/"),
    ] {
        let response = world.client.get(world.url(path)).send().await.expect("an answer");
        assert_eq!(response.text().await.expect("a body"), document(resource));
    }
    let response = world.client.get(world.url("/")).send().await.expect("an answer");
    assert_eq!(response.status(), 401);
    let named = "resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource\"";
    assert!(header(&response, "www-authenticate").contains(named));
    assert_eq!(world.client.get(world.url("/mcp")).send().await.expect("an answer").status(), 404);
}

#[actix_web::test]
async fn every_other_well_known_path_is_missing_in_a_way_that_pages_can_read() {
    let world = World::start().await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/",
        "/.well-known/security.txt",
        "/mcp/.well-known/openid-configuration",
    ] {
        let response = world.client.get(world.url(path)).send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-type")),
            (404, "application/json".into()),
            "{path}"
        );
        let cors = if path.starts_with("/.well-known") { "*" } else { "" };
        assert_eq!(header(&response, "access-control-allow-origin"), cors, "{path}");
    }
    assert!(world.upstream.seen().is_empty(), "not even with its own well-known paths is the MCP server asked");
}

#[actix_web::test]
async fn discovery_by_a_page_passes_its_preflight() {
    let world = World::start().await;
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"] {
        let request =
            world.client.request(Method::OPTIONS, world.url(path)).header("Origin", "https://anywhere.example");
        let request = request
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "mcp-protocol-version");
        let response = request.send().await.expect("an answer");
        assert_eq!(
            (response.status().as_u16(), header(&response, "access-control-allow-origin")),
            (204, "*".into()),
            "{path}"
        );
        assert!(header(&response, "access-control-allow-headers").contains("mcp-protocol-version"));
    }
    let response =
        world.client.post(world.url("/.well-known/oauth-protected-resource")).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "GET, HEAD, OPTIONS".into()));
}
