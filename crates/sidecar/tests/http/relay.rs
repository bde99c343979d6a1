//! The authorization server's own paths pass untouched in both directions.

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::Method;

use crate::support::{World, closed_port, header};

/// Answers with what it saw, as an authorization server's sign-in would.
async fn sign_in(request: HttpRequest, body: Bytes) -> HttpResponse {
    let headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    HttpResponse::build(StatusCode::SEE_OTHER)
        .insert_header(("Location", "/consent?transaction=gatelodge_txn_x&y=%2F"))
        .append_header(("Set-Cookie", "__Host-gatelodge_session=a; Path=/; Secure; HttpOnly"))
        .append_header(("Set-Cookie", "second=b"))
        .insert_header(("WWW-Authenticate", "Basic realm=\"x\""))
        .insert_header(("Access-Control-Allow-Origin", "*"))
        .insert_header(("Content-Security-Policy", "default-src 'none'"))
        .body(format!(
            "{} {}\n{}\n\n{}",
            request.method(),
            request.uri(),
            headers.join("\n"),
            String::from_utf8_lossy(&body)
        ))
}

async fn world() -> World {
    let server = HttpServer::new(|| App::new().default_service(web::to(sign_in)))
        .workers(1)
        .bind("127.0.0.1:0")
        .expect("a port");
    let relay = format!("relay = \"http://{}\"\njwks_url", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    World::with(|toml| toml.replace("jwks_url", &relay)).await
}

#[actix_web::test]
async fn status_location_and_cookies_pass_as_they_are() {
    let world = world().await;
    let request = world
        .client
        .post(world.url("/login?transaction=gatelodge_txn_x&state=%2Fa%20b"))
        .header("Cookie", "__Host-gatelodge_session=a")
        .header("Origin", "https://mcp.example.com")
        .header("Host", "mcp.example.com")
        .header("Authorization", "Basic Y2xpZW50OnNlY3JldA==")
        .header("Accept-Encoding", "br")
        .header("X-Forwarded-For", "6.6.6.6")
        .header("X-Forwarded-Prefix", "/evil")
        .header("SSL-Client-Cert", "forged")
        .header("X_Remote_User", "forged")
        .header("Connection", "x-hop")
        .header("X-Hop", "dropped")
        .form(&[("username", "jo"), ("password", "secret")]);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 303, "not followed: the browser does that");
    assert_eq!(header(&response, "location"), "/consent?transaction=gatelodge_txn_x&y=%2F");
    assert_eq!(header(&response, "set-cookie"), "__Host-gatelodge_session=a; Path=/; Secure; HttpOnly | second=b");
    assert_eq!(header(&response, "www-authenticate"), "Basic realm=\"x\"");
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    assert_eq!(header(&response, "content-security-policy"), "default-src 'none'");
    let seen = response.text().await.expect("a body");
    assert!(seen.starts_with("POST /login?transaction=gatelodge_txn_x&state=%2Fa%20b\n"), "{seen}");
    for line in [
        "cookie: __Host-gatelodge_session=a",
        "origin: https://mcp.example.com",
        "host: mcp.example.com",
        "authorization: Basic Y2xpZW50OnNlY3JldA==",
        "accept-encoding: br",
        "content-type: application/x-www-form-urlencoded",
        "content-length: 27",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: https",
        "x-forwarded-host: mcp.example.com",
        "\nusername=jo&password=secret",
    ] {
        assert!(seen.contains(&format!("{line}\n")) || seen.ends_with(line), "{line} in {seen}");
    }
    assert!(
        !seen.contains("6.6.6.6") && !seen.contains("evil") && !seen.contains("forged") && !seen.contains("x-hop"),
        "{seen}"
    );
}

#[actix_web::test]
async fn exactly_the_authorization_servers_paths_are_relayed() {
    let world = world().await;
    for path in [
        "/authorize?x=1",
        "/par",
        "/token",
        "/register",
        "/device_authorization",
        "/device?user_code=BCDF-GHJK",
        "/jwks",
        "/login",
        "/logout",
        "/consent",
        "/account",
        "/account/tokens",
        "/password",
        "/assets/app.css",
        "/assets/a/b.js",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD] {
            let response = world.client.request(method.clone(), world.url(path)).send().await.expect("an answer");
            assert_eq!(response.status(), 303, "{method} {path}");
        }
    }
    for (path, status) in [
        ("/", 404),
        ("/admin", 404),
        ("/authorize/", 404),
        ("/token/x", 404),
        ("/device/x", 404),
        ("/Token", 404),
        ("/health/ready", 404),
        ("/mcp", 401),
        ("/.well-known/oauth-authorization-server/mcp", 404),
        ("/.well-known/oauth-protected-resource", 200),
        ("/assets/../admin", 404),
    ] {
        let response = world.client.get(world.url(path)).send().await.expect("an answer");
        assert_eq!(response.status(), status, "{path}");
    }
}

#[actix_web::test]
async fn an_authorization_server_that_is_away_is_temporarily_unavailable() {
    let closed = closed_port();
    let world = World::with(|toml| toml.replace("jwks_url", &format!("relay = \"http://{closed}\"\njwks_url"))).await;
    let response = world
        .client
        .post(world.url("/token"))
        .form(&[("grant_type", "refresh_token")])
        .send()
        .await
        .expect("an answer");
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "5".into()));
    assert!(response.text().await.expect("a body").contains("temporarily_unavailable"));
    assert_faults_are_told_to_pages(&world).await;
}

/// Where the authorization server lets any page read its answers, pages read ours too.
async fn assert_faults_are_told_to_pages(world: &World) {
    let ask = async |method: Method, path: &str| {
        let request = world.client.request(method, world.url(path)).header("Origin", "https://app.example");
        let request = request.header("Access-Control-Request-Method", "POST");
        let request = request.header("Access-Control-Request-Headers", "authorization").send();
        let answer = request.await.expect("an answer");
        let headers =
            ["origin", "methods", "headers"].map(|name| header(&answer, &format!("access-control-allow-{name}")));
        (answer.status().as_u16(), headers, header(&answer, "access-control-expose-headers"))
    };
    for path in
        ["/token", "/register", "/register/x", "/revoke", "/par", "/jwks", "/.well-known/oauth-authorization-server"]
    {
        let (status, [origin, ..], exposed) = ask(Method::POST, path).await;
        assert_eq!((status, &*origin, &*exposed), (503, "*", "Retry-After"), "{path}");
        let (status, [origin, methods, headers], _) = ask(Method::OPTIONS, path).await;
        assert_eq!((status, &*origin), (204, "*"), "{path}");
        assert!(methods.contains("POST") && headers.contains("authorization"), "{path}: {methods} {headers}");
    }
    for path in ["/login", "/authorize", "/consent", "/account/tokens", "/introspect"] {
        for method in [Method::POST, Method::OPTIONS] {
            let (status, [origin, ..], _) = ask(method, path).await;
            assert_eq!((status, &*origin), (503, ""), "{path}");
        }
    }
    let too_large = world.client.post(world.url("/token")).body(vec![b'x'; (4 << 20) + 1]).send();
    let too_large = too_large.await.expect("an answer");
    assert_eq!((too_large.status().as_u16(), header(&too_large, "access-control-allow-origin")), (413, "*".into()));
}

/// Proves MCP 2025-03-26, fallbacks for servers without metadata discovery: the endpoints are at the root.
#[actix_web::test]
async fn an_issuer_with_a_path_is_found_at_the_root_by_clients_that_forgot_its_metadata() {
    let server = HttpServer::new(|| App::new().default_service(web::to(sign_in))).workers(1);
    let server = server.bind("127.0.0.1:0").expect("a port");
    let relay = format!("issuer = \"https://mcp.example.com/o\"\nrelay = \"http://{}\"\njwks_url", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    let world = World::with(|toml| toml.replace("jwks_url", &relay)).await;
    for (path, arrived) in [
        ("/token", "/o/token"),
        ("/register", "/o/register"),
        ("/authorize?x=%2F", "/o/authorize?x=%2F"),
        ("/o/token", "/o/token"),
        ("/o/login", "/o/login"),
    ] {
        let answer = world.client.post(world.url(path)).send().await.expect("an answer");
        assert!(answer.text().await.expect("a body").starts_with(&format!("POST {arrived}\n")), "{path}");
    }
    for path in ["/login", "/register/x", "/revoke"] {
        assert_eq!(world.client.post(world.url(path)).send().await.expect("an answer").status(), 404, "{path}");
    }
}
