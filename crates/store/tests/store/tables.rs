//! Every table: what goes in comes out again, a damaged row is named and never guessed at, and clearing up spares the living.

use gatelodge_oauth::client::TokenEndpointAuthMethod;
use gatelodge_oauth::grant::refresh_token::{RefreshToken, SealedSuccessor};
use gatelodge_oauth::grant::{Grant, GrantId};
use gatelodge_oauth::secret::{Kind, Secret};
use gatelodge_store::users::User;
use gatelodge_store::{
    Insertion, StoreError, SweepReport, authorization_codes, browser_sessions, clients, grants, pending_authorizations,
    refresh_tokens, sweep, users,
};

use crate::support::{
    TestDatabase, at, client, code, grant, hash, on_both_databases, pending, refresh_token, session, user,
};

on_both_databases!(
    users_come_back_as_they_went_in,
    browser_sessions_come_back_move_and_end,
    clients_come_back_as_they_went_in,
    pending_authorizations_follow_the_browser_to_its_new_session,
    grants_come_back_and_are_revoked_once,
    a_grant_is_found_by_its_place_in_the_status_list_and_keeps_the_first_proof,
    the_grants_of_a_user_who_is_shut_out_are_in_the_status_list,
    codes_come_back_and_count_failures,
    refresh_tokens_come_back_as_they_went_in,
    a_damaged_row_is_named,
    sweeping_deletes_what_expired_and_spares_the_rest,
    a_large_backlog_is_swept_in_batches,
    grants_that_ended_long_ago_go_and_take_their_tokens_along,
    a_dump_shows_no_secret,
);

async fn users_come_back_as_they_went_in(database: TestDatabase) {
    let ada = user("ada");
    let bob = User { password_hash: None, disabled_at: Some(at(9)), ..user("bøb") };
    let (a, b) = (ada.clone(), bob.clone());
    database
        .write(move |tx| {
            assert_eq!(users::insert(tx, &b)?, Insertion::Inserted);
            assert_eq!(users::insert(tx, &a)?, Insertion::Inserted);
            // The refusal leaves the transaction usable.
            assert_eq!(users::insert(tx, &user("ada"))?, Insertion::AlreadyExists);
            assert_eq!(users::find_by_username(tx, "ada")?.as_ref(), Some(&a));
            Ok(())
        })
        .await;
    let id = ada.id.clone();
    assert_eq!(database.read(users::list).await, [ada.clone(), bob]);
    assert_eq!(database.read(move |tx| users::find(tx, &id)).await, Some(ada));
    assert_eq!(database.read(|tx| users::find_by_username(tx, "ADA")).await, None);
}

async fn browser_sessions_come_back_move_and_end(database: TestDatabase) {
    let ada = user("ada");
    let mut stored = session();
    stored.user_id = Some(ada.id.clone());
    stored.authenticated_at = Some(at(3));
    let (hash, to_insert) = (stored.hash, stored.clone());
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            browser_sessions::insert(tx, &to_insert)
        })
        .await;
    assert_eq!(database.read(move |tx| browser_sessions::find(tx, &hash)).await, Some(stored.clone()));
    assert!(database.write(move |tx| browser_sessions::touch(tx, &hash, at(70), at(700))).await);
    (stored.last_seen_at, stored.expires_at) = (at(70), at(700));
    assert_eq!(database.read(move |tx| browser_sessions::find(tx, &hash)).await, Some(stored));
    assert!(database.write(move |tx| browser_sessions::delete(tx, &hash)).await);
    assert!(!database.write(move |tx| browser_sessions::delete(tx, &hash)).await);
    assert!(!database.write(move |tx| browser_sessions::touch(tx, &hash, at(1), at(2))).await);
    assert_eq!(database.read(move |tx| browser_sessions::find(tx, &hash)).await, None);
}

async fn clients_come_back_as_they_went_in(database: TestDatabase) {
    let stored = client();
    let (id, to_insert) = (stored.id.clone(), stored.clone());
    assert_eq!(database.write(move |tx| clients::insert(tx, &to_insert)).await, Insertion::Inserted);
    let again = stored.clone();
    assert_eq!(database.write(move |tx| clients::insert(tx, &again)).await, Insertion::AlreadyExists);
    assert_eq!(database.read(move |tx| clients::find(tx, &id)).await, Some(stored));
    let unknown = client().id;
    assert_eq!(database.read(move |tx| clients::find(tx, &unknown)).await, None);
}

async fn pending_authorizations_follow_the_browser_to_its_new_session(database: TestDatabase) {
    let (old, new, other) = (hash(Kind::BrowserSession), hash(Kind::BrowserSession), hash(Kind::BrowserSession));
    let (first, second, foreign) = (pending(old), pending(old), pending(other));
    let rows = [first.clone(), second.clone(), foreign.clone()];
    database.write(move |tx| rows.iter().try_for_each(|row| pending_authorizations::insert(tx, row))).await;
    assert_eq!(database.write(move |tx| pending_authorizations::rebind(tx, &old, &new)).await, 2);
    let by_old = database.write(move |tx| pending_authorizations::consume(tx, &first.hash, &old)).await;
    assert_eq!(by_old, None);
    let by_new = database.write(move |tx| pending_authorizations::consume(tx, &first.hash, &new)).await;
    assert_eq!(by_new.map(|row| row.request), Some(first.request));
    let found = database.read(move |tx| pending_authorizations::find(tx, &second.hash)).await;
    assert_eq!(found.map(|row| row.browser_session), Some(new));
    let untouched = foreign.hash;
    assert_eq!(database.read(move |tx| pending_authorizations::find(tx, &untouched)).await, Some(foreign));
}

async fn grants_come_back_and_are_revoked_once(database: TestDatabase) {
    let stored = database.grant().await;
    let id = stored.id.clone();
    database
        .write(move |tx| {
            assert_eq!(grants::find(tx, &id)?.as_ref(), Some(&stored));
            assert_eq!(grants::lock(tx, &id, None, at(2))?.as_ref(), Some(&stored));
            assert_eq!(grants::revoke(tx, &id, at(3))?.len(), 1);
            assert_eq!(grants::revoke(tx, &id, at(4))?, []);
            assert_eq!(grants::lock(tx, &id, None, at(5))?.and_then(|grant| grant.revoked_at), Some(at(3)));
            assert_eq!(grants::lock(tx, &grant().id, None, at(5))?, None);
            assert_eq!(grants::revoke(tx, &grant().id, at(5))?, []);
            Ok(())
        })
        .await;
    // A grant of nobody is refused by the schema.
    let orphan = database.store.write(|tx| grants::insert(tx, &grant())).await;
    assert!(matches!(orphan, Err(StoreError::Refused(_))), "{orphan:?}");
}

async fn a_grant_is_found_by_its_place_in_the_status_list_and_keeps_the_first_proof(database: TestDatabase) {
    let owner = database.grant().await.user_id;
    let place = database.write(move |tx| grants::allocate_status_index(tx, at(0))).await;
    let mut stored = Grant { status_index: Some(place), user_id: owner, ..grant() };
    let (id, to_insert) = (stored.id.clone(), stored.clone());
    database
        .write(move |tx| {
            grants::insert(tx, &to_insert)?;
            grants::keep_auth_method(tx, &id, TokenEndpointAuthMethod::PrivateKeyJwt)?;
            grants::keep_auth_method(tx, &id, TokenEndpointAuthMethod::None)
        })
        .await;
    stored.auth_method = Some(TokenEndpointAuthMethod::PrivateKeyJwt);
    let found = database.read(move |tx| grants::find_by_status_index(tx, place)).await;
    assert_eq!(found, Some(stored));
    assert_eq!(database.read(move |tx| grants::find_by_status_index(tx, place + 1)).await, None);
}

async fn the_grants_of_a_user_who_is_shut_out_are_in_the_status_list(database: TestDatabase) {
    let (owner, other) = (user("owner"), user("other"));
    let (shut_out, app) = (User { disabled_at: Some(at(1)), ..user("shut out") }, client());
    let grants_of = [Some(&owner), Some(&other), Some(&shut_out), Some(&shut_out), None].map(|user| Grant {
        user_id: user.map(|user| user.id.clone()),
        client_id: app.id.clone(),
        ..grant()
    });
    let indices = database
        .write(move |tx| {
            for user in [&owner, &other, &shut_out] {
                users::insert(tx, user)?;
            }
            clients::insert(tx, &app)?;
            let mut indices = Vec::new();
            for grant in &grants_of {
                let status_index = grants::allocate_status_index(tx, at(0))?;
                grants::insert(tx, &Grant { status_index: Some(status_index), ..grant.clone() })?;
                indices.push(status_index);
            }
            grants::revoke(tx, &grants_of[1].id, at(2))?;
            Ok(indices)
        })
        .await;
    let mut listed = database.read(|tx| grants::revoked_status_indices(tx, at(0))).await;
    listed.sort_unstable();
    assert_eq!(listed, indices[1..4]);
}

async fn codes_come_back_and_count_failures(database: TestDatabase) {
    let mut stored = code(&database.grant().await);
    let (by, other) = (hash(Kind::RefreshToken), hash(Kind::RefreshToken));
    let (hash, to_insert) = (stored.hash, stored.clone());
    database
        .write(move |tx| {
            authorization_codes::insert(tx, &to_insert)?;
            authorization_codes::record_failure(tx, &hash)?;
            authorization_codes::record_failure(tx, &hash)?;
            assert!(!authorization_codes::was_consumed_by(tx, &hash, &by)?);
            assert!(authorization_codes::consume(tx, &hash, &by, at(7))?);
            assert!(!authorization_codes::consume(tx, &hash, &other, at(8))?);
            assert!(authorization_codes::was_consumed_by(tx, &hash, &by)?);
            assert!(!authorization_codes::was_consumed_by(tx, &hash, &other)?);
            Ok(())
        })
        .await;
    (stored.failures, stored.consumed_at) = (2, Some(at(7)));
    assert_eq!(database.read(move |tx| authorization_codes::find(tx, &hash)).await, Some(stored));
}

async fn refresh_tokens_come_back_as_they_went_in(database: TestDatabase) {
    let mut stored = refresh_token(&database.grant().await);
    let (hash, to_insert) = (stored.hash, stored.clone());
    database.write(move |tx| refresh_tokens::insert(tx, &to_insert)).await;
    assert_eq!(database.read(move |tx| refresh_tokens::find(tx, &hash)).await, Some(stored.clone()));
    let sealed = SealedSuccessor::from_bytes(vec![0, 255, 39, 92]);
    (stored.spent_at, stored.successor) = (Some(at(8)), Some(sealed.clone()));
    assert!(database.write(move |tx| refresh_tokens::spend(tx, &hash, at(8), &sealed)).await);
    assert_eq!(database.read(move |tx| refresh_tokens::find(tx, &hash)).await, Some(stored));
}

async fn a_damaged_row_is_named(database: TestDatabase) {
    let stored = client();
    let id = stored.id.clone();
    database.write(move |tx| clients::insert(tx, &stored)).await;
    for (column, damage) in
        [("redirect_uris", "'[1]'"), ("grant_types", "'[\"implicit\"]'"), ("token_endpoint_auth_method", "'tls'")]
    {
        database.execute(&format!("CREATE TABLE kept AS SELECT {column} AS good FROM clients"));
        database.execute(&format!("UPDATE clients SET {column} = {damage}"));
        let wanted = id.clone();
        let error = database.store.read(move |tx| clients::find(tx, &wanted)).await.expect_err("damaged");
        let StoreError::Corrupt { table: "clients", column: named, id: ref row } = error else { panic!("{error:?}") };
        assert_eq!((named, row.as_str()), (column, id.as_str()));
        assert!(!error.is_unavailable());
        database.execute(&format!("UPDATE clients SET {column} = (SELECT good FROM kept); DROP TABLE kept"));
    }
    let grant = database.grant().await;
    let token = refresh_token(&grant);
    let hash = token.hash;
    database.write(move |tx| refresh_tokens::insert(tx, &token)).await;
    database.execute("UPDATE grants SET scope = 'a \"b\"'");
    let error = database.store.read(move |tx| grants::find(tx, &grant.id)).await.expect_err("damaged");
    assert!(matches!(error, StoreError::Corrupt { table: "grants", column: "scope", .. }), "{error:?}");
    // A hash cut short is another hash: found by nobody.
    let shorten =
        if database.sqlite_path().is_some() { "substr(hash, 1, 31)" } else { "substring(hash FROM 1 FOR 31)" };
    database.execute(&format!("UPDATE refresh_tokens SET hash = {shorten}"));
    assert_eq!(database.read(move |tx| refresh_tokens::find(tx, &hash)).await, None);
}

async fn sweeping_deletes_what_expired_and_spares_the_rest(database: TestDatabase) {
    const DAY: i64 = 24 * 60 * 60;
    let grant = database.grant().await;
    let now = at(10 * DAY);
    let mut kept = Vec::new();
    for (expires_at, stays) in
        [(now, false), (now.minus(std::time::Duration::from_secs(1)), false), (at(11 * DAY), true)]
    {
        let mut session = session();
        session.expires_at = expires_at;
        let mut pending = pending(session.hash);
        pending.expires_at = expires_at;
        if stays {
            kept.push((session.hash, pending.hash));
        }
        database
            .write(move |tx| {
                browser_sessions::insert(tx, &session)?;
                pending_authorizations::insert(tx, &pending)
            })
            .await;
    }
    let (mut old, mut young) = (code(&grant), code(&grant));
    old.expires_at = at(9 * DAY);
    young.expires_at = at(9 * DAY + 1);
    let kept_code = young.hash;
    let mut token = refresh_token(&grant);
    token.expires_at = at(8 * DAY + 1);
    let kept_token = token.hash;
    database
        .write(move |tx| {
            authorization_codes::insert(tx, &old)?;
            authorization_codes::insert(tx, &young)?;
            refresh_tokens::insert(tx, &token)
        })
        .await;

    let report = database.write(move |tx| sweep(tx, now)).await;
    let expected = SweepReport {
        pending_authorizations: 2,
        browser_sessions: 2,
        authorization_codes: 1,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);
    database
        .read(move |tx| {
            for (session, pending) in &kept {
                assert!(browser_sessions::find(tx, session)?.is_some());
                assert!(pending_authorizations::find(tx, pending)?.is_some());
            }
            assert!(authorization_codes::find(tx, &kept_code)?.is_some(), "its reuse must still be recognised");
            assert!(refresh_tokens::find(tx, &kept_token)?.is_some(), "its replay must still be recognised");
            assert!(grants::find(tx, &grant.id)?.is_some());
            Ok(())
        })
        .await;
    assert_eq!(database.write(move |tx| sweep(tx, now)).await, SweepReport::default());
}

async fn grants_that_ended_long_ago_go_and_take_their_tokens_along(database: TestDatabase) {
    const DAY: i64 = 24 * 3_600;
    // Each has one code and a chain of three tokens, which expire at 600.
    let mut ids = Vec::new();
    for (expires_at, revoked_at) in [(1_000, None), (400 * DAY, Some(at(0))), (400 * DAY, None)] {
        let owner = database.grant().await;
        let stored = Grant { id: GrantId::generate(), expires_at: at(expires_at), revoked_at, ..owner };
        ids.push(stored.id.clone());
        database
            .write(move |tx| {
                grants::insert(tx, &stored)?;
                authorization_codes::insert(tx, &code(&stored))?;
                for spent_at in [Some(at(5)), Some(at(6)), None] {
                    // One of those that were revoked early would have lived longer.
                    let expires_at = if stored.revoked_at.is_some() { at(300 * DAY) } else { at(600) };
                    let token = refresh_token(&stored);
                    let token = RefreshToken { spent_at, expires_at, ..token };
                    refresh_tokens::insert(tx, &token)?;
                }
                Ok(())
            })
            .await;
    }
    let swept = async |days: i64| {
        let report = database.write(move |tx| sweep(tx, at(days * DAY))).await;
        (report.refresh_tokens, report.grants)
    };
    assert_eq!(swept(2).await, (0, 0), "a late replay is still recognised");
    assert_eq!(swept(3).await, (6, 0), "tokens that had expired by themselves");
    // The expired grant, those that the three owners came with, which expired like it, and the revoked one after its tokens.
    assert_eq!(swept(31).await, (3, 5));
    assert_eq!(swept(31).await, (0, 0));
    let left = database.count("grants");
    assert_eq!((left, database.count("refresh_tokens"), database.count("authorization_codes")), (1, 0, 0));
    let living = ids.pop().expect("three");
    assert!(database.read(move |tx| grants::find(tx, &living)).await.is_some());
}

async fn a_large_backlog_is_swept_in_batches(database: TestDatabase) {
    database
        .write(|tx| {
            for _ in 0..1_200 {
                browser_sessions::insert(tx, &session())?;
            }
            Ok(())
        })
        .await;
    let first = database.write(|tx| sweep(tx, at(1_000))).await;
    assert_eq!((first.browser_sessions, first.unfinished), (1_000, true));
    let second = database.write(|tx| sweep(tx, at(1_000))).await;
    assert_eq!((second.browser_sessions, second.unfinished), (200, false));
}

async fn a_dump_shows_no_secret(database: TestDatabase) {
    let grant = database.grant().await;
    let secrets: Vec<Secret> =
        [Kind::ClientSecret, Kind::BrowserSession, Kind::Transaction, Kind::AuthorizationCode, Kind::RefreshToken]
            .into_iter()
            .map(Secret::generate)
            .collect();
    let (mut client, mut session, mut pending) = (client(), session(), pending(secrets[1].hash()));
    let (mut code, mut token) = (code(&grant), refresh_token(&grant));
    client.secret = Some(secrets[0].hash());
    session.hash = secrets[1].hash();
    pending.hash = secrets[2].hash();
    code.hash = secrets[3].hash();
    token.hash = secrets[4].hash();
    let next = Secret::generate(Kind::RefreshToken);
    let sealed = SealedSuccessor::seal(&secrets[4], &next);
    database
        .write(move |tx| {
            clients::insert(tx, &client)?;
            browser_sessions::insert(tx, &session)?;
            pending_authorizations::insert(tx, &pending)?;
            authorization_codes::insert(tx, &code)?;
            refresh_tokens::insert(tx, &token)?;
            refresh_tokens::spend(tx, &token.hash, at(1), &sealed)?;
            Ok(())
        })
        .await;
    let dump = match database.sqlite_path() {
        Some(path) => {
            let log = std::fs::read(path.with_extension("db-wal")).expect("the log is there while the store is open");
            [std::fs::read(&path).expect("the file is there"), log].concat()
        }
        None => gatelodge_e2e::postgres::Postgres::shared()
            .expect("this test runs on it")
            .psql(&database.url, "SELECT database_to_xml(true, true, '')")
            .into_bytes(),
    };
    let dump = String::from_utf8_lossy(&dump);
    assert!(dump.contains("client.example"), "the dump has the rows");
    for secret in secrets.iter().chain([&next]) {
        // PostgreSQL shows bytes as base64 in XML; no secret is stored as text or bytes in clear.
        assert!(!dump.contains(secret.expose()));
    }
    assert!(!dump.contains("gatelodge_rt_") && !dump.contains("gatelodge_code_"));
}
