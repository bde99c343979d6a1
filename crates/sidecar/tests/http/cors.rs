//! The Fetch standard's CORS protocol and RFC 6454: which pages may call, and what they can read.

use reqwest::Method;

use crate::support::{PING, World, header, run};

const ALLOWED: [&str; 4] =
    ["https://mcp.example.com", "https://app.example.com", "http://localhost:6274", "http://127.0.0.1:1"];

const FOREIGN: [&str; 12] = [
    "null",
    "https://evil.example",
    "https://mcp.example.com.evil.example",
    "https://mcp.example.com:8443",
    "http://mcp.example.com",
    "https://MCP.example.com",
    "https://mcp.example.com/",
    "https://evil@mcp.example.com",
    "http://localhost.evil.example",
    "file://",
    "*",
    "",
];

#[actix_web::test]
async fn allowed_pages_can_read_every_answer_and_its_challenge() {
    let world = World::start().await;
    for origin in ALLOWED {
        for (request, status) in [
            (world.request(Method::POST), 401),
            (world.request(Method::POST).bearer_auth("bad"), 401),
            (world.authorized(Method::POST), 200),
            (world.authorized(Method::POST).header("x-test", "headers"), 200),
            (world.authorized(Method::POST).header("x-test", "401"), 502),
        ] {
            let response = request.header("Origin", origin).send().await.expect("an answer");
            assert_eq!(response.status(), status, "{origin}");
            assert_eq!(header(&response, "access-control-allow-origin"), origin, "once, and ours");
            let exposed = header(&response, "access-control-expose-headers");
            assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Mcp-Session-Id"), "{exposed}");
            assert_eq!(header(&response, "access-control-allow-credentials"), "");
            assert_eq!(header(&response, "vary"), "Origin");
        }
    }
}

#[actix_web::test]
async fn foreign_pages_are_refused_on_every_method_even_with_a_good_token() {
    let world = World::start().await;
    for origin in FOREIGN {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS, Method::HEAD] {
            let request = world.authorized(method.clone()).header("Origin", origin);
            let response = request.header("Access-Control-Request-Method", "POST").send().await.expect("an answer");
            assert_eq!(response.status(), 403, "{method} from {origin:?}");
            assert_eq!(header(&response, "access-control-allow-origin"), "");
            assert_eq!(header(&response, "www-authenticate"), "", "not a matter of tokens");
            let head = format!("{:?}", response.headers());
            let answer = head + &response.text().await.expect("a body");
            assert!(origin.len() < 5 || !answer.contains(origin), "{answer}");
        }
    }
    let twice = world.authorized(Method::POST).header("Origin", ALLOWED[0]).header("Origin", ALLOWED[1]);
    assert_eq!(twice.send().await.expect("an answer").status(), 403);
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_preflight_is_answered_without_a_token_and_lists_what_the_page_asks_for() {
    let world = World::start().await;
    for path in ["/mcp", "/mcp/"] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            let request = world.client.request(Method::OPTIONS, world.url(path)).header("Origin", ALLOWED[1]);
            let request = request
                .header("Access-Control-Request-Method", method)
                .header("Access-Control-Request-Headers", "authorization,content-type,mcp-param-city,<script>");
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), 204);
            assert_eq!(header(&response, "access-control-allow-origin"), ALLOWED[1]);
            assert_eq!(header(&response, "access-control-allow-methods"), "GET, POST, DELETE, OPTIONS");
            assert_eq!(header(&response, "access-control-max-age"), "3600");
            assert_eq!(header(&response, "vary"), "Access-Control-Request-Headers | Origin");
            let names = header(&response, "access-control-allow-headers");
            for name in [
                "authorization",
                "mcp-protocol-version",
                "mcp-session-id",
                "mcp-method",
                "mcp-name",
                "last-event-id",
                "mcp-param-city",
            ] {
                assert!(names.split(", ").any(|listed| listed == name), "{name} in {names}");
            }
            assert!(!names.contains("script"));
        }
    }
    let plain = world.request(Method::OPTIONS).send().await.expect("an answer");
    assert_eq!((plain.status().as_u16(), header(&plain, "allow")), (204, "GET, POST, DELETE, OPTIONS".into()));
    assert_eq!(header(&plain, "access-control-allow-methods"), "");
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn pages_of_this_machine_are_foreign_once_others_can_connect() {
    let world = World::start().await;
    let toml = format!(
        "public_url = \"https://mcp.example.com\"\nlisten = \"0.0.0.0:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [authorization_server]\njwks_url = \"{}\"\n[[resource]]\npath = \"/mcp\"\nupstream = \"{}\"\n",
        world.authority.jwks_url, world.upstream.url
    );
    let address = run(&toml);
    let post = |host: &str, origin: &str| {
        let request = world.client.post(format!("http://{address}/mcp")).bearer_auth(world.authority.token());
        let request = request.header("Host", host).header("Origin", origin);
        request.header("Content-Type", "application/json").body(PING).send()
    };
    for (host, origin, status) in [
        ("mcp.example.com", "https://mcp.example.com", 200),
        ("mcp.example.com:443", "https://mcp.example.com", 200),
        ("MCP.EXAMPLE.COM", "https://mcp.example.com", 200),
        ("mcp.example.com", "http://localhost:6274", 403),
        ("localhost", "https://mcp.example.com", 421),
        ("127.0.0.1", "https://mcp.example.com", 421),
        ("mcp.example.com:8443", "https://mcp.example.com", 421),
    ] {
        assert_eq!(post(host, origin).await.expect("an answer").status(), status, "{host} {origin}");
    }
}
