//! Many requests with one code at the same moment: RFC 6749 §4.1.2 lets exactly one of them succeed.

use futures_util::future::join_all;

use crate::support::{Answer, Browser, Database, McpClient, Server, Settings, Tokens, on_both_databases};

on_both_databases! {
    of_sixty_four_parallel_exchanges_exactly_one_succeeds,
    guesses_in_parallel_burn_a_code_as_guesses_in_a_row_do,
}

async fn codes(server: &Server, client: &McpClient<'_>, number: usize) -> Vec<String> {
    let mut browser = Browser::new(server);
    let mut consent = browser.consent_page(client).await;
    let mut codes = Vec::new();
    for _ in 0..number {
        codes.push(browser.allow(&consent).await.answered("code"));
        consent = browser.open(&client.authorize_path()).await;
    }
    codes
}

fn assert_exactly_one_succeeded(answers: &[Answer]) -> Tokens {
    let (good, bad): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in &bad {
        answer.assert_refused(400, "invalid_grant", "the others");
    }
    assert_eq!(good.len(), 1);
    Tokens::of(good[0])
}

async fn of_sixty_four_parallel_exchanges_exactly_one_succeeds(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    // PostgreSQL serves several servers; SQLite refuses the second one.
    let sibling = match database.is_sqlite() {
        true => None,
        false => Some(Server::start_at(database, Settings::default(), server.clock.clone()).await),
    };
    let servers = [&server, sibling.as_ref().unwrap_or(&server)];
    let codes = codes(&server, &client, 8).await;
    for code in &codes {
        let form = client.code_request(code);
        let answers = join_all((0..64).map(|index| servers[index % 2].post("/token", &form))).await;
        let tokens = assert_exactly_one_succeeded(&answers);
        client.refreshed(&tokens.refresh_token).await;
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 8);
}

async fn guesses_in_parallel_burn_a_code_as_guesses_in_a_row_do(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let code = client.code().await;
    let guess = client.code_request(&code).with("code_verifier", &"x".repeat(43));
    for answer in join_all((0..32).map(|_| server.post("/token", &guess))).await {
        answer.assert_refused(400, "invalid_grant", "a guess");
    }
    client.exchange(&code).await.assert_refused(400, "invalid_grant", "after the guesses");
}
