//! Refreshing: RFC 6749 §6, rotation and replay of RFC 9700 §4.14.2. Nobody is logged out by a lost answer or by a second
//! process; a thief is; and whoever is neither changes nothing.

use futures_util::future::join_all;

use crate::support::{Database, McpClient, Server, Settings, Tokens, on_both_databases};

on_both_databases! {
    every_refresh_gives_a_new_token_and_the_last_one_works,
    sixty_four_parallel_refreshes_of_one_token_get_the_same_successor,
    parallel_refreshes_of_many_grants_leave_one_unspent_token_each,
    a_lost_answer_can_be_fetched_again_within_an_hour,
    a_lost_answer_is_gone_after_an_hour,
    a_late_sibling_process_is_led_to_the_newest_token,
    a_replay_outside_the_windows_ends_its_grant_and_no_other,
    the_owner_who_comes_after_the_thief_ends_the_grant_too,
    a_replay_and_a_rotation_at_the_same_moment_leave_no_living_token,
    the_windows_survive_a_restart,
    another_client_changes_nothing_in_any_state_of_a_token,
    a_refused_request_spends_nothing,
}

const HOUR: u64 = 3_600;
const FIVE_MINUTES: u64 = 300;

/// Proves RFC 9700 §4.14.2: refresh tokens are rotated.
async fn every_refresh_gives_a_new_token_and_the_last_one_works(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut tokens = client.connect().await;
    for _ in 0..5 {
        server.advance(HOUR);
        let next = client.refreshed(&tokens.refresh_token).await;
        assert_ne!(next.refresh_token, tokens.refresh_token);
        assert_ne!(next.access_token, tokens.access_token);
        assert_eq!((next.scope.as_str(), next.expires_in), ("mcp:use", HOUR));
        tokens = next;
    }
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 1);
}

async fn sixty_four_parallel_refreshes_of_one_token_get_the_same_successor(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let tokens = client.connect().await;
    let answers = join_all((0..64).map(|_| client.refresh(&tokens.refresh_token))).await;
    let successors: Vec<Tokens> = answers.iter().map(Tokens::of).collect();
    assert!(successors.iter().all(|next| next.refresh_token == successors[0].refresh_token));
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 1);
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 0);
    client.refreshed(&successors[0].refresh_token).await;
}

async fn parallel_refreshes_of_many_grants_leave_one_unspent_token_each(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut heads = Vec::new();
    for _ in 0..6 {
        heads.push(client.connect().await.refresh_token);
    }
    for _ in 0..3 {
        let requests = (0..48).map(|index| client.refresh(&heads[index % heads.len()]));
        let answers = join_all(requests).await;
        let next: Vec<String> = answers.iter().map(|answer| Tokens::of(answer).refresh_token).collect();
        assert!((0..48).all(|index| next[index] == next[index % heads.len()]));
        heads = next[..heads.len()].to_vec();
    }
    assert_eq!(database.count("refresh_tokens WHERE spent_at IS NULL"), 6);
    assert_eq!(database.count("refresh_tokens"), 6 * 4);
}

/// Proves RFC 6749 §6: a client whose answer was lost is not logged out.
async fn a_lost_answer_can_be_fetched_again_within_an_hour(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await;
    let lost = client.refreshed(&first.refresh_token).await;
    server.advance(HOUR);
    let again = client.refreshed(&first.refresh_token).await;
    assert_eq!(again.refresh_token, lost.refresh_token);
    assert_ne!(again.access_token, lost.access_token);
    assert_eq!(again.expires_in, HOUR, "the access token is a fresh one");
    client.refreshed(&again.refresh_token).await;
}

async fn a_lost_answer_is_gone_after_an_hour(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await;
    client.refreshed(&first.refresh_token).await;
    server.advance(HOUR + 1);
    client.refresh(&first.refresh_token).await.assert_refused(400, "invalid_grant", "too late");
}

async fn a_late_sibling_process_is_led_to_the_newest_token(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let mut chain = vec![client.connect().await.refresh_token];
    for _ in 0..4 {
        let next = client.refreshed(chain.last().expect("a token")).await;
        chain.push(next.refresh_token);
    }
    let head = chain.last().expect("a token").clone();
    server.advance(FIVE_MINUTES);
    for old in &chain[..4] {
        assert_eq!(client.refreshed(old).await.refresh_token, head);
    }
    assert_eq!(database.count("refresh_tokens"), 5, "no second branch");
    client.refreshed(&head).await;
}

/// Proves RFC 9700 §4.14.2: a replayed refresh token ends its grant.
async fn a_replay_outside_the_windows_ends_its_grant_and_no_other(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let (stolen, bystander) = (client.connect().await, client.connect().await);
    let second = client.refreshed(&stolen.refresh_token).await;
    let third = client.refreshed(&second.refresh_token).await;
    server.advance(FIVE_MINUTES + 1);
    client.refresh(&stolen.refresh_token).await.assert_refused(400, "invalid_grant", "a replay");
    for token in [&stolen, &second, &third] {
        client.refresh(&token.refresh_token).await.assert_refused(400, "invalid_grant", "the grant has ended");
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 1);
    assert_eq!(
        database.count("audit_events WHERE outcome = 'revoked' AND reason = 'replayed'"),
        1,
        "its owner sees why"
    );
    client.refreshed(&bystander.refresh_token).await;
}

/// Proves RFC 9700 §4.14.2: whoever of thief and owner comes second ends the grant.
async fn the_owner_who_comes_after_the_thief_ends_the_grant_too(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let stolen = client.connect().await.refresh_token;
    let of_thief = client.refreshed(&client.refreshed(&stolen).await.refresh_token).await.refresh_token;
    server.advance(HOUR);
    client.refresh(&stolen).await.assert_refused(400, "invalid_grant", "the owner");
    client.refresh(&of_thief).await.assert_refused(400, "invalid_grant", "the thief");
}

async fn a_replay_and_a_rotation_at_the_same_moment_leave_no_living_token(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    for _ in 0..10 {
        let stolen = client.connect().await.refresh_token;
        let second = client.refreshed(&stolen).await.refresh_token;
        let head = client.refreshed(&second).await.refresh_token;
        server.advance(FIVE_MINUTES + 1);
        let (replay, rotation, again) =
            tokio::join!(client.refresh(&stolen), client.refresh(&head), client.refresh(&head));
        replay.assert_refused(400, "invalid_grant", "the replay");
        for answer in [rotation, again] {
            let newest = if answer.status == 200 { Tokens::of(&answer).refresh_token } else { head.clone() };
            client.refresh(&newest).await.assert_refused(400, "invalid_grant", "the grant has ended");
        }
    }
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 10);
}

async fn the_windows_survive_a_restart(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let first = client.connect().await.refresh_token;
    let second = client.refreshed(&first).await.refresh_token;
    let (requests, clock) = ([&first, &second].map(|token| client.refresh_request(token)), server.clock.clone());
    database.stop_servers().await;

    let server = Server::start_at(database, Settings::default(), clock).await;
    let again = Tokens::of(&server.post("/token", &requests[0]).await);
    assert_eq!(again.refresh_token, second);
    Tokens::of(&server.post("/token", &requests[1]).await);
    server.advance(FIVE_MINUTES + 1);
    server.post("/token", &requests[0]).await.assert_refused(400, "invalid_grant", "a replay");
    assert_eq!(database.count("grants WHERE revoked_at IS NOT NULL"), 1);
}

/// Proves RFC 6749 §10.4: a refresh token is bound to its client.
async fn another_client_changes_nothing_in_any_state_of_a_token(database: &Database) {
    let server = Server::start(database).await;
    let (client, other) = (McpClient::register(&server).await, McpClient::register(&server).await);
    let first = client.connect().await.refresh_token;
    let second = client.refreshed(&first).await.refresh_token;
    let third = client.refreshed(&second).await.refresh_token;
    let before = database.facts();
    for seconds in [0, FIVE_MINUTES + 1, HOUR] {
        server.advance(seconds);
        for token in [&first, &second, &third] {
            other.refresh(token).await.assert_refused(400, "invalid_grant", "another client");
        }
        assert_eq!(database.facts(), before);
    }
    client.refreshed(&third).await;
}

async fn a_refused_request_spends_nothing(database: &Database) {
    let server = Server::start(database).await;
    let client = McpClient::register(&server).await;
    let token = client.connect().await.refresh_token;
    let good = client.refresh_request(&token);
    let before = database.facts();
    for (form, error) in [
        (good.clone().with("scope", "mcp:use notes:write"), "invalid_scope"),
        (good.clone().with("resource", "https://other.example.com/mcp"), "invalid_target"),
        (good.clone().and("scope", "a").and("scope", "b"), "invalid_request"),
        (good.clone().without("refresh_token"), "invalid_request"),
        (good.clone().without("client_id"), "invalid_request"),
        (good.clone().with("refresh_token", &token[..token.len() - 1]), "invalid_grant"),
    ] {
        server.post("/token", &form).await.assert_refused(400, error, &form.encoded());
        assert_eq!(database.facts(), before);
    }
    client.refreshed(&token).await;
}
