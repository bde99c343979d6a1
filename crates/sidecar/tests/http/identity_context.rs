//! The operator's own word for a caller, in a header beside every form of identity.

use gatelodge_oauth::access_token::Claims;
use reqwest::Method;

use crate::support::{World, header};

const RULES: &str = "[[resource.identity.context]]\nsubject = \"root\"\nvalue = \"system\"\n\
                     [[resource.identity.context]]\nscope = \"agents:run\"\nvalue = \"agent\"\n\
                     [[resource.identity.context]]\nclient_id = \"client_1\"\nvalue = \"user\"\n";

#[actix_web::test]
async fn the_first_rule_that_fits_names_the_context_and_nobody_else_can() {
    let world = World::with(|toml| format!("{toml}[resource.identity]\nkind = \"headers\"\n{RULES}")).await;
    let callers = [
        ("root", "client_9", "mcp:use agents:run", &["system"][..]),
        ("user_1", "client_1", "mcp:use agents:run", &["agent"]),
        ("user_1", "client_1", "mcp:use", &["user"]),
        ("user_1", "client_9", "mcp:use", &[]),
        ("Root", "client_9", "mcp:use", &[]),
    ];
    for (sub, client_id, scope, _) in callers {
        let claims = Claims {
            sub: sub.into(),
            client_id: gatelodge_oauth::client::ClientId::new(client_id),
            scope: scope.parse().expect("a scope"),
            ..world.authority.claims()
        };
        let request = world.request(Method::POST).bearer_auth(world.authority.sign(&claims));
        let request = request.header("X-Mcp-Auth-Context", "system").header("X_MCP_AUTH_CONTEXT", "system");
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    for (seen, (sub, client_id, _, context)) in world.upstream.seen().iter().zip(callers) {
        assert_eq!(seen.all("x-mcp-auth-sub"), [sub]);
        assert_eq!(seen.all("x-mcp-auth-context"), context, "{sub} {client_id}");
        assert!(seen.all("x_mcp_auth_context").is_empty());
    }
}

#[actix_web::test]
async fn an_assertion_and_a_credential_go_with_the_context_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let key_file = dir.path().join("key.pem");
    for form in [
        format!("kind = \"assertion\"\n[resource.identity.assertion]\nkey_file = {key_file:?}\n"),
        "kind = \"credential\"\n[resource.identity.credential]\nvalue = \"shared\"\n".to_owned(),
        "kind = \"credential\"\n[resource.identity.credential.map.entries]\n\"context:user\" = \"shared\"\n".to_owned(),
    ] {
        let world = World::with(|toml| format!("{toml}[resource.identity]\n{form}{RULES}")).await;
        let answer = world.authorized(Method::POST).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{form} {}", header(&answer, "content-type"));
        let seen = world.upstream.only();
        assert_eq!(seen.all("x-mcp-auth-context"), ["user"], "{form}");
        let told = seen.all("x-mcp-auth-assertion").len() + usize::from(seen.all("authorization") == ["Bearer shared"]);
        assert_eq!(told, 1, "{form} {seen:?}");
    }
}
