//! Sign-in at OpenID providers: who is expected back, and who a user is there.

use gatelodge_oauth::secret::Kind;
use gatelodge_store::upstream_identities::{self, UpstreamIdentity};
use gatelodge_store::upstream_sign_ins::{self, UpstreamSignIn};
use gatelodge_store::{Insertion, sweep};

use crate::support::{TestDatabase, at, hash, on_both_databases};

on_both_databases!(
    somebody_who_is_away_comes_back_once_in_the_same_browser,
    somebody_who_is_away_moves_with_the_session_and_is_not_waited_for_for_ever,
    a_person_of_a_provider_is_one_user,
    the_links_of_a_user_go_with_the_user,
);

fn away() -> UpstreamSignIn {
    UpstreamSignIn {
        hash: hash(Kind::UpstreamState),
        browser_session: hash(Kind::BrowserSession),
        provider: "idp".into(),
        sealed: vec![0, 1, 255],
        created_at: at(0),
        expires_at: at(600),
    }
}

async fn somebody_who_is_away_comes_back_once_in_the_same_browser(database: TestDatabase) {
    let (stored, other) = (away(), hash(Kind::BrowserSession));
    database
        .write(move |tx| {
            upstream_sign_ins::insert(tx, &stored)?;
            assert_eq!(upstream_sign_ins::find(tx, &stored.hash)?.as_ref(), Some(&stored));
            assert!(!upstream_sign_ins::consume(tx, &stored.hash, &other)?);
            assert!(upstream_sign_ins::consume(tx, &stored.hash, &stored.browser_session)?);
            assert!(!upstream_sign_ins::consume(tx, &stored.hash, &stored.browser_session)?);
            assert_eq!(upstream_sign_ins::find(tx, &stored.hash)?, None);
            Ok(())
        })
        .await;
}

async fn somebody_who_is_away_moves_with_the_session_and_is_not_waited_for_for_ever(database: TestDatabase) {
    let (stored, bystander, new) = (away(), away(), hash(Kind::BrowserSession));
    let name = stored.hash;
    database
        .write(move |tx| {
            upstream_sign_ins::insert(tx, &stored)?;
            upstream_sign_ins::insert(tx, &bystander)?;
            assert_eq!(upstream_sign_ins::rebind(tx, &stored.browser_session, &new)?, 1);
            let moved = upstream_sign_ins::find(tx, &stored.hash)?.expect("is there");
            assert_eq!(moved.browser_session, new);
            assert_eq!(upstream_sign_ins::find(tx, &bystander.hash)?.as_ref(), Some(&bystander));
            Ok(())
        })
        .await;
    for (now, swept) in [(at(599), 0), (at(600), 2)] {
        assert_eq!(database.write(move |tx| sweep(tx, now)).await.upstream_sign_ins, swept);
    }
    assert_eq!(database.read(move |tx| upstream_sign_ins::find(tx, &name)).await, None);
}

async fn a_person_of_a_provider_is_one_user(database: TestDatabase) {
    let (first, second) = (database.grant().await.user_id, database.grant().await.user_id);
    let (first, second) = (first.expect("a user"), second.expect("a user"));
    let identity = |issuer: &str, subject: &str, user_id: &gatelodge_oauth::grant::UserId| UpstreamIdentity {
        issuer: issuer.into(),
        subject: subject.into(),
        user_id: user_id.clone(),
        created_at: at(1),
    };
    let (stored, stolen) = (identity("https://a.example", "1", &first), identity("https://a.example", "1", &second));
    let others = [identity("https://b.example", "1", &second), identity("https://a.example", "2", &first)];
    database
        .write(move |tx| {
            assert_eq!(upstream_identities::insert(tx, &stored)?, Insertion::Inserted);
            assert_eq!(upstream_identities::insert(tx, &stolen)?, Insertion::AlreadyExists);
            for other in &others {
                assert_eq!(upstream_identities::insert(tx, other)?, Insertion::Inserted);
            }
            assert_eq!(upstream_identities::find(tx, "https://a.example", "1")?.as_ref(), Some(&stored));
            assert_eq!(upstream_identities::find(tx, "https://A.example", "1")?, None);
            assert_eq!(upstream_identities::list(tx)?.len(), 3);
            assert!(!upstream_identities::delete(tx, &second, "https://a.example", "1")?, "that is the first one's");
            assert!(upstream_identities::delete(tx, &first, "https://a.example", "1")?);
            assert_eq!(upstream_identities::find(tx, "https://a.example", "1")?, None);
            Ok(())
        })
        .await;
}

async fn the_links_of_a_user_go_with_the_user(database: TestDatabase) {
    let user_id = database.grant().await.user_id.expect("a user");
    let identity =
        UpstreamIdentity { issuer: "https://a.example".into(), subject: "1".into(), user_id, created_at: at(1) };
    database.write(move |tx| upstream_identities::insert(tx, &identity)).await;
    database.execute("DELETE FROM users");
    assert_eq!(database.count("upstream_identities"), 0);
}
