//! What the second step of a sign-in asks for: no code is taken twice, and half of a sign-in ends with its browser session.

use std::sync::Arc;

use gatelodge_oauth::secret::HashedSecret;
use gatelodge_store::totp_secrets::{self, TotpSecret};
use gatelodge_store::{Insertion, browser_sessions, recovery_codes, second_steps, users};

use crate::support::{TestDatabase, at, on_both_databases, session, user};

on_both_databases!(
    an_app_comes_back_and_is_one_for_each_person,
    of_twenty_that_send_one_code_one_is_taken_and_no_older_one_after_it,
    of_twenty_that_hold_a_recovery_code_one_uses_it_and_nobody_elses_is_worth_anything,
    half_of_a_sign_in_ends_once_in_time_and_with_its_browser,
);

fn app(user: &users::User) -> TotpSecret {
    TotpSecret { user_id: user.id.clone(), sealed: vec![1, 2, 3], last_step: 7, created_at: at(1), last_used_at: None }
}

async fn an_app_comes_back_and_is_one_for_each_person(database: TestDatabase) {
    let ada = user("ada");
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            let app = app(&ada);
            assert_eq!(totp_secrets::insert(tx, &app)?, Insertion::Inserted);
            assert_eq!(totp_secrets::insert(tx, &app)?, Insertion::AlreadyExists);
            assert!(
                !totp_secrets::take_step(tx, &ada.id, 7, at(2))? && totp_secrets::take_step(tx, &ada.id, 8, at(3))?
            );
            let used = TotpSecret { last_step: 8, last_used_at: Some(at(3)), ..app };
            assert_eq!(totp_secrets::find(tx, &ada.id)?, Some(used));
            assert!(totp_secrets::delete(tx, &ada.id)? && !totp_secrets::delete(tx, &ada.id)?);
            assert!(!totp_secrets::take_step(tx, &ada.id, 9, at(4))?);
            assert_eq!(totp_secrets::find(tx, &ada.id)?, None);
            Ok(())
        })
        .await;
}

async fn of_twenty_that_send_one_code_one_is_taken_and_no_older_one_after_it(database: TestDatabase) {
    let ada = user("ada");
    let id = ada.id.clone();
    let insert = move |tx: &mut gatelodge_store::Tx| {
        users::insert(tx, &ada)?;
        totp_secrets::insert(tx, &app(&ada))
    };
    database.write(insert).await;
    let store = Arc::new(database.store.clone());
    let runs: Vec<_> = (0..20)
        .map(|_| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(async move { store.write(move |tx| totp_secrets::take_step(tx, &id, 9, at(1))).await })
        })
        .collect();
    let mut taken = 0;
    for run in runs {
        taken += usize::from(run.await.expect("no panic").expect("no error"));
    }
    assert_eq!(taken, 1);
    assert!(!database.write(move |tx| totp_secrets::take_step(tx, &id, 8, at(2))).await);
}

async fn of_twenty_that_hold_a_recovery_code_one_uses_it_and_nobody_elses_is_worth_anything(database: TestDatabase) {
    let (ada, bob) = (user("ada"), user("bob"));
    let (id, other) = (ada.id.clone(), bob.id.clone());
    let hashes = ["a", "b"].map(HashedSecret::of);
    let insert = move |tx: &mut gatelodge_store::Tx| {
        users::insert(tx, &ada)?;
        users::insert(tx, &bob)?;
        recovery_codes::replace(tx, &ada.id, &[HashedSecret::of("old")])?;
        recovery_codes::replace(tx, &ada.id, &hashes)?;
        recovery_codes::replace(tx, &bob.id, &[HashedSecret::of("c")])?;
        assert!(!recovery_codes::consume(tx, &ada.id, &HashedSecret::of("old"))?);
        assert!(!recovery_codes::consume(tx, &bob.id, &hashes[0])?);
        assert_eq!((recovery_codes::count(tx, &ada.id)?, recovery_codes::count(tx, &bob.id)?), (2, 1));
        Ok(())
    };
    database.write(insert).await;
    let store = Arc::new(database.store.clone());
    let runs: Vec<_> = (0..20)
        .map(|_| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(async move { store.write(move |tx| recovery_codes::consume(tx, &id, &hashes[0])).await })
        })
        .collect();
    let mut taken = 0;
    for run in runs {
        taken += usize::from(run.await.expect("no panic").expect("no error"));
    }
    assert_eq!((taken, database.count("recovery_codes")), (1, 2));
    assert_eq!(database.write(move |tx| recovery_codes::delete_all_of(tx, &id)).await, 1);
    database.write(move |tx| users::delete(tx, &other)).await;
    assert_eq!(database.count("recovery_codes"), 0);
}

async fn half_of_a_sign_in_ends_once_in_time_and_with_its_browser(database: TestDatabase) {
    let ada = user("ada");
    let sessions = [session(), session(), session()].map(|session| session.hash);
    let rows = sessions;
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            for hash in rows {
                browser_sessions::insert(tx, &gatelodge_store::browser_sessions::BrowserSession { hash, ..session() })?;
            }
            let [first, second, third] = rows;
            second_steps::insert(tx, &first, &ada.id, true, at(60))?;
            assert_eq!(second_steps::find(tx, &first, at(59))?.as_ref(), Some(&ada.id));
            assert_eq!(second_steps::find(tx, &first, at(60))?, None);
            assert_eq!(second_steps::find(tx, &second, at(1))?, None);
            assert!(second_steps::take_counted(tx, &first)? && !second_steps::take_counted(tx, &first)?);
            assert_eq!(second_steps::consume(tx, &first, at(60))?, None);
            assert_eq!(second_steps::consume(tx, &first, at(59))?.as_ref(), Some(&ada.id));
            assert_eq!(second_steps::consume(tx, &first, at(59))?, None);
            second_steps::insert(tx, &second, &ada.id, false, at(60))?;
            assert!(!second_steps::take_counted(tx, &second)?);
            browser_sessions::delete(tx, &second)?;
            assert_eq!(second_steps::find(tx, &second, at(1))?, None);
            second_steps::insert(tx, &third, &ada.id, false, at(60))?;
            second_steps::delete_all_of(tx, &ada.id)
        })
        .await;
    assert_eq!(database.count("second_steps"), 0);
}
