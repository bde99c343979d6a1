//! Clients that publish their keys: `jwks_uri` of RFC 7591 §2, as ChatGPT's document has it. Keys are fetched seldom, a new key is
//! found, and a host that is away logs nobody out.

use gatelodge_e2e::documents::Answer;
use serde_json::json;

use crate::support::website::{Website, desktop_client};
use crate::support::{Database, McpClient, Server, Signer, Tokens, on_any_database};

on_any_database! {
    a_described_client_signs_with_the_key_that_it_publishes,
    a_new_key_is_found_and_an_old_one_forgotten,
    a_host_that_is_away_logs_nobody_out,
    a_stranger_sends_nobody_into_the_private_network,
}

const REDIRECT: &str = "http://127.0.0.1:53280/callback";
const DAY: u64 = 86_400;

/// A client whose document says that it may sign or not, and where its keys are.
fn described<'s>(server: &'s Server, website: &Website, signer: &Signer<'_>) -> McpClient<'s> {
    website.documents.put("/jwks.json", Answer::json(&signer.jwks()));
    let mut document = desktop_client();
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    document["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
    document["jwks_uri"] = json!(website.documents.url("/jwks.json"));
    McpClient::described(server, &website.documents.put_client("/client.json", document), REDIRECT)
}

async fn connect(server: &Server, client: &McpClient<'_>, signer: &Signer<'_>) -> Tokens {
    let exchange = signer.signed(&client.code_request(&client.code().await));
    Tokens::of(&server.post("/token", &exchange).await)
}

async fn a_described_client_signs_with_the_key_that_it_publishes(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let signer = Signer::new(&server);
    let client = described(&server, &website, &signer);
    let tokens = connect(&server, &client, &signer).await;
    let refresh = client.refresh_request(&tokens.refresh_token);
    let thief = Signer::new(&server).signed(&refresh);
    server.post("/token", &thief).await.assert_refused(401, "invalid_client", "a key of the same name");
    server.post("/token", &refresh).await.assert_refused(400, "invalid_grant", "less than at the exchange");
    Tokens::of(&server.post("/token", &signer.signed(&refresh)).await);
    assert_eq!(website.documents.connections(), 2, "the document once, and the keys once");
}

async fn a_new_key_is_found_and_an_old_one_forgotten(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let (old, new) = (Signer::new(&server), Signer::named(&server, "key-2"));
    let client = described(&server, &website, &old);
    let tokens = connect(&server, &client, &old).await;
    website.documents.put("/jwks.json", Answer::json(&new.jwks()));
    let refresh = client.refresh_request(&tokens.refresh_token);
    for _ in 0..5 {
        let at_once = server.post("/token", &new.signed(&refresh)).await;
        at_once.assert_refused(401, "invalid_client", "its host was asked a moment ago");
    }
    assert_eq!(website.documents.connections(), 2, "nobody can make us ask again and again");
    server.advance(30);
    let tokens = Tokens::of(&server.post("/token", &new.signed(&refresh)).await);
    let refresh = client.refresh_request(&tokens.refresh_token);
    server.post("/token", &old.signed(&refresh)).await.assert_refused(401, "invalid_client", "no longer published");
    Tokens::of(&server.post("/token", &new.signed(&refresh)).await);
}

async fn a_host_that_is_away_logs_nobody_out(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let signer = Signer::new(&server);
    let client = described(&server, &website, &signer);
    let mut tokens = connect(&server, &client, &signer).await;
    website.documents.set_down(true);
    for seconds in [10, 600, DAY / 2] {
        server.advance(seconds);
        let refresh = signer.signed(&client.refresh_request(&tokens.refresh_token));
        tokens = Tokens::of(&server.post("/token", &refresh).await);
    }
    let refresh = client.refresh_request(&tokens.refresh_token);
    let unknown = Signer::named(&server, "key-2").signed(&refresh);
    let answer = server.post("/token", &unknown).await;
    answer.assert_refused(503, "temporarily_unavailable", "perhaps it was published meanwhile");
    server.advance(DAY);
    let answer = server.post("/token", &signer.signed(&refresh)).await;
    answer.assert_refused(503, "temporarily_unavailable", "too long away to believe its last word");
    website.documents.set_down(false);
    server.advance(30);
    Tokens::of(&server.post("/token", &signer.signed(&refresh)).await);
}

/// The website is a private host: its own document may name it, and nobody else may.
async fn a_stranger_sends_nobody_into_the_private_network(database: &Database) {
    let website = Website::start();
    let server = Server::start_with(database, website.settings("")).await;
    let signer = Signer::new(&server);
    website.documents.put("/jwks.json", Answer::json(&signer.jwks()));
    let registration = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": website.documents.url("/jwks.json?any=query")
    });
    let client = McpClient::register_with(&server, registration).await;
    let exchange = signer.signed(&client.code_request(&client.code().await));
    server.post("/token", &exchange).await.assert_refused(401, "invalid_client", "the signature is right");
    assert_eq!(website.documents.connections(), 0);
}
