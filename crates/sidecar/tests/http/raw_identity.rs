//! Who calls is what the token says, whatever the bytes say (RFC 9110 §7.6.1, RFC 6750 §2).

use crate::support::raw::{Bench, GOOD};
use crate::support::wire::Manner;

#[actix_web::test]
async fn a_hundred_spellings_of_a_forged_identity_leave_no_byte() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let mut names = Vec::new();
    for words in
        [&["x", "mcp", "auth", "sub"][..], &["x", "mcp", "auth", "client", "id"], &["x", "mcp", "auth", "scopes"]]
    {
        for joint in ["-", "_", ".", "--", "__", "-_", "_-", "~", "!", "'", "|", "+", "#", "$", "%", "&", "*", "^", "`"]
        {
            names.push(words.join(joint));
            names.push(words.join(joint).to_uppercase());
        }
    }
    assert!(names.len() >= 100);
    for name in &names {
        let before = bench.wire.requests().len();
        for fields in
            [format!("{name}: forged\r\nContent-Length: 30\r\n"), format!("Content-Length: 30\r\n{name}:forged\r\n")]
        {
            let answers = bench.send(&bench.post(&fields, GOOD)).await;
            assert_eq!(answers.statuses(), [200], "{name}: {}", answers.text);
        }
        let requests = bench.wire.requests();
        assert_eq!(requests.len() - before, 2, "{name}");
        for request in &requests[before..] {
            assert_eq!(request.all("x-mcp-auth-sub"), ["user_1"], "{name}");
            assert_eq!(request.all("x-mcp-auth-client-id"), ["client_1"], "{name}");
            assert_eq!(request.all("x-mcp-auth-scopes"), ["mcp:use tickets:read"], "{name}");
        }
    }
    assert!(!bench.wire.bytes().contains("forged"));
}

#[actix_web::test]
async fn connection_removes_nothing_that_is_ours() {
    for listed in "x-mcp-auth-sub~x-mcp-auth-client-id~x-mcp-auth-scopes~X-MCP-AUTH-SUB~authorization~host~content-length~x-forwarded-for~\
         x-forwarded-proto~x-forwarded-host~accept-encoding~close, x-mcp-auth-sub~keep-alive, host, x-mcp-auth-scopes~upgrade, x-mcp-auth-sub~\
         x-mcp-auth-sub,~,x-mcp-auth-sub~\"x-mcp-auth-sub\"~x-mcp-auth-sub;q=1~*~connection~transfer-encoding"
        .split('~')
    {
        let bench = Bench::start(Manner::KeepsAlive).await;
        let answers = bench.send(&bench.post(&format!("Connection: {listed}\r\nContent-Length: 30\r\n"), GOOD)).await;
        assert_eq!(answers.statuses(), [200], "{listed}: {}", answers.text);
        let request = bench.wire.requests().remove(0);
        for (name, value) in [
            ("x-mcp-auth-sub", "user_1"),
            ("x-mcp-auth-client-id", "client_1"),
            ("x-mcp-auth-scopes", "mcp:use tickets:read"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "mcp.example.com"),
            ("content-length", "30"),
            ("accept-encoding", "identity"),
        ] {
            assert_eq!(request.all(name), [value], "{listed}: {}", request.head);
        }
        assert_eq!((request.all("host").len(), request.all("authorization").len()), (1, 0), "{listed}");
        assert!(request.whole && request.body == GOOD.as_bytes(), "{listed}");
    }
}

#[actix_web::test]
async fn a_token_counts_in_one_authorization_field_and_nowhere_else() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    let token = bench.token.clone();
    let mut count = 0;
    for fields in [
        format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer {token}\r\nauthorization: Basic eDp5\r\n"),
        format!("Authorization: Basic eDp5\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer {token}\r\nAUTHORIZATION:\r\n"),
        format!("Authorization:\r\nAuthorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer {token}, Bearer {token}\r\n"),
        format!("Authorization: Bearer {token} {token}\r\n"),
        format!("Authorization: Bearer {token},\r\n"),
        format!("Authorization: Bearer\t{token}\r\n"),
        format!("Authorization: Bearer={token}\r\n"),
        format!("Authorization: Bearer:{token}\r\n"),
        format!("Authorization: Bearer{token}\r\n"),
        format!("Authorization: \"Bearer {token}\"\r\n"),
        format!("Authorization: Bearer \"{token}\"\r\n"),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Token {token}\r\n"),
        format!("Authorization: DPoP {token}\r\n"),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: Bearer {token}\u{e9}\r\n"),
        format!("Authorization: Bearer {token}\u{a0}\r\n"),
        format!("Authorization: Bearer {token}=\r\n"),
        format!("Authorization: Bearer {token}.\r\n"),
        format!("Authorization: Bearer .{token}\r\n"),
        "Authorization: Bearer\r\n".into(),
        "Authorization: Bearer \r\n".into(),
        "Authorization: Bearer null\r\n".into(),
        format!("Authorization: Bearer {}\r\n", "x".repeat(100_000)),
        format!("Proxy-Authorization: Bearer {token}\r\n"),
        format!("X-Authorization: Bearer {token}\r\n"),
        format!("Authorization_: Bearer {token}\r\n"),
        format!("Cookie: access_token={token}\r\n"),
        format!("X-Access-Token: {token}\r\n"),
        format!("Sec-WebSocket-Protocol: bearer, {token}\r\n"),
        String::new(),
    ] {
        for (target, body) in [
            ("/mcp".to_owned(), GOOD.to_owned()),
            (format!("/mcp?access_token={token}"), format!("access_token={token}")),
        ] {
            let bytes = format!(
                "POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}Content-Type: application/json\r\n\
                 Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            bench.refused(&format!("{target:.8} {fields:.60?}"), bytes.as_bytes()).await;
            count += 1;
        }
    }
    assert!(count >= 65, "{count}");
    assert_eq!(bench.wire.bytes(), "");
}

#[actix_web::test]
async fn a_token_in_the_query_is_not_passed_on_by_a_good_request() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    for name in ["access_token", "Access_Token", "%61ccess_token", "access%5Ftoken", "ACCESS_TOKEN", "access_toke%6e"] {
        let fields = format!(
            "Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 30\r\n",
            bench.token
        );
        let bytes = format!("POST /mcp?a=1&{name}={} HTTP/1.1\r\n{fields}\r\n{GOOD}", bench.token);
        assert_eq!(bench.send(bytes.as_bytes()).await.statuses(), [200], "{name}");
    }
    assert!(bench.wire.requests().iter().all(|request| request.request_line() == "POST /internal/mcp?a=1 HTTP/1.1"));
    assert!(!bench.wire.bytes().contains(&bench.token));
}

#[actix_web::test]
async fn what_was_judged_arrives_in_no_other_spelling() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    for name in "Mcp_Session_Id~mcp.session-id~Mcp-Session_Id~Last_Event_Id~MCP_Protocol_Version~Mcp_Method~Mcp_Name~Content_Type~\
         Content_Encoding~X-HTTP-Method-Override~X_HTTP_Method_Override~X-HTTP-Method~X-Method-Override"
        .split('~')
    {
        let answers = bench.send(&bench.post(&format!("{name}: forged\r\nContent-Length: 30\r\n"), GOOD)).await;
        assert_eq!(answers.statuses(), [200], "{name}: {}", answers.text);
        assert!(!bench.wire.bytes().contains("forged"), "{name}");
    }
}

#[actix_web::test]
async fn connection_takes_nothing_away_that_was_judged() {
    let bench = Bench::with(Manner::KeepsAlive, "unknown_sessions = \"adopt\"").await;
    let fields = "Mcp-Session-Id: mine\r\nLast-Event-ID: 7\r\nMCP-Protocol-Version: 2025-06-18\r\nContent-Length: 30\r\n\
                  Connection: mcp-session-id, content-type, MCP-Protocol-Version\r\n";
    let answers = bench.send(&bench.post(fields, GOOD)).await;
    assert_eq!(answers.statuses(), [200], "{}", answers.text);
    let request = bench.wire.requests().remove(0);
    for (name, value) in [
        ("mcp-session-id", "mine"),
        ("last-event-id", "7"),
        ("mcp-protocol-version", "2025-06-18"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(request.all(name), [value], "{}", request.head);
    }
}

/// A server behind other proxies, or before, believes what these say of a person, an address or a certificate.
const OF_OTHER_PROXIES: &str = "Remote-User Remote-Groups Remote-Email Remote-Addr X-Remote-User X-Remote-Group X-Remote-Extra-Scopes \
     X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups X-Forwarded-Preferred-Username X-Forwarded-Access-Token X-Forwarded-Prefix \
     X-Forwarded-Port X-Forwarded-Client-Cert X-Forwarded-Tls-Client-Cert X-Forwarded Forwarded Forwarded-For Proxy \
     X-Auth-Request-User X-Auth-Request-Email X-Auth-Request-Access-Token X-Authenticated-User X-Authenticated-Userid \
     X-WEBAUTH-USER X-WEBAUTH-ROLE X-Client-IP X-Cluster-Client-IP X-Real-IP True-Client-IP Client-IP Fastly-Client-IP \
     Fly-Client-IP X-Originating-IP X-Azure-ClientIP X-Envoy-External-Address X-Appengine-User-Email X-Appengine-User-IP \
     CF-Connecting-IP CF-Connecting-IPv6 CF-Access-Authenticated-User-Email CF-Access-Jwt-Assertion CF-Access-Client-Id \
     Tailscale-User-Login Tailscale-User-Name X-Goog-Authenticated-User-Email X-Goog-Iap-Jwt-Assertion \
     X-Ms-Client-Principal X-Ms-Client-Principal-Name X-Ms-Token-Aad-Id-Token X-Amzn-Oidc-Identity X-Amzn-Oidc-Data \
     X-Amzn-Mtls-Clientcert X-Pomerium-Jwt-Assertion X-Pomerium-Claim-Email X-Authentik-Username X-Vouch-User \
     X-Consumer-Username X-Credential-Identifier X-Userinfo X-Endpoint-Api-Userinfo X-Apigateway-Api-Userinfo \
     X-SSL-Client-Cert X-SSL-Client-S-DN X-SSL-Client-Verify SSL-Client-Cert SSL-Client-Verify X-SSL-Cert X-Client-Cert \
     X-Client-DN X-Client-Verify Client-Cert Client-Cert-Chain X-ARR-ClientCert X-TLS-Client-Cert X-Original-URI \
     X-Original-Forwarded-For X-Original-Host X-Host";

#[actix_web::test]
async fn what_another_proxy_would_say_of_the_caller_arrives_in_no_spelling() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    for name in OF_OTHER_PROXIES.split_whitespace() {
        let (upper, lower) = (name.to_uppercase(), name.to_lowercase());
        let spellings = [
            name.to_owned(),
            name.replace('-', "_"),
            upper.replacen('-', "_", 1),
            lower.replace('-', "--"),
            lower.replace('-', "."),
            format!("{upper}_"),
        ];
        let fields: String = spellings.iter().map(|spelling| format!("{spelling}: forged\r\n")).collect();
        let answers = bench.send(&bench.post(&format!("{fields}Content-Length: 30\r\n"), GOOD)).await;
        assert_eq!(answers.statuses(), [200], "{name}: {}", answers.text);
        let arrived = bench.wire.requests().pop().expect("a request").head;
        assert!(!arrived.contains("forged"), "{name}: {arrived}");
    }
}

#[actix_web::test]
async fn what_names_nobody_arrives() {
    let bench = Bench::start(Manner::KeepsAlive).await;
    for name in "X-Request-Id Traceparent User-Agent Accept-Language CF-Ray X-Api-Version Remoteness X-Correlation-Id Proximity \
                 Mcp-Param-X-Forwarded-User X-Amzn-Trace-Id X-Cloud-Trace-Context Client-Name"
        .split_whitespace()
    {
        let answers = bench.send(&bench.post(&format!("{name}: kept\r\nContent-Length: 30\r\n"), GOOD)).await;
        assert_eq!(answers.statuses(), [200], "{name}: {}", answers.text);
        assert_eq!(bench.wire.requests().pop().expect("a request").all(name), ["kept"], "{name}");
    }
}
