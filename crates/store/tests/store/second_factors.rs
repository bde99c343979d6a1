//! What the second step of a sign-in asks for: no code is taken twice, and half of a sign-in ends with its browser session.

use std::sync::Arc;

use gatelodge_oauth::secret::HashedSecret;
use gatelodge_store::passkeys::{self, Passkey};
use gatelodge_store::totp_secrets::{self, TotpSecret};
use gatelodge_store::{Insertion, browser_sessions, passkey_ceremonies, recovery_codes, second_steps, users};

use crate::support::{TestDatabase, at, on_both_databases, session, user};

on_both_databases!(
    an_app_comes_back_and_is_one_for_each_person,
    of_twenty_that_send_one_code_one_is_taken_and_no_older_one_after_it,
    of_twenty_that_hold_a_recovery_code_one_uses_it_and_nobody_elses_is_worth_anything,
    half_of_a_sign_in_ends_once_in_time_and_with_its_browser,
    a_passkey_comes_back_and_its_counter_goes_forward,
    a_ceremony_is_taken_once_in_time_and_ends_with_its_browser,
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

fn passkey(user: &users::User, id: u8) -> Passkey {
    let (name, credential) = ("laptop".to_owned(), "{}".to_owned());
    let id = vec![id; 16];
    Passkey { id, user_id: user.id.clone(), name, credential, counter: 0, created_at: at(1), last_used_at: None }
}

async fn a_passkey_comes_back_and_its_counter_goes_forward(database: TestDatabase) {
    let (ada, bob) = (user("ada"), user("bob"));
    database
        .write(move |tx| {
            users::insert(tx, &ada)?;
            users::insert(tx, &bob)?;
            let one = passkey(&ada, 1);
            assert_eq!(passkeys::insert(tx, &one)?, Insertion::Inserted);
            assert_eq!(
                passkeys::insert(tx, &Passkey { user_id: bob.id.clone(), ..one.clone() })?,
                Insertion::AlreadyExists
            );
            passkeys::insert(tx, &Passkey { created_at: at(2), ..passkey(&ada, 2) })?;
            assert_eq!(passkeys::find(tx, &one.id)?.as_ref(), Some(&one));
            // One that does not count, then one that began to.
            assert!(
                passkeys::use_once(tx, &one.id, 0, "{}", at(3))? && passkeys::use_once(tx, &one.id, 5, "[]", at(4))?
            );
            for stale in [5, 4, 0] {
                assert!(!passkeys::use_once(tx, &one.id, stale, "{}", at(5))?, "{stale}");
            }
            let used = Passkey { counter: 5, credential: "[]".into(), last_used_at: Some(at(4)), ..one.clone() };
            assert_eq!(passkeys::of_user(tx, &ada.id)?.first(), Some(&used));
            assert!(!passkeys::delete(tx, &bob.id, &one.id)? && passkeys::delete(tx, &ada.id, &one.id)?);
            assert!(!passkeys::use_once(tx, &one.id, 6, "{}", at(6))?);
            assert_eq!(passkeys::delete_all_of(tx, &ada.id)?, 1);
            Ok(())
        })
        .await;
}

async fn a_ceremony_is_taken_once_in_time_and_ends_with_its_browser(database: TestDatabase) {
    let rows = [session(), session()];
    database
        .write(move |tx| {
            let [first, second] = &rows;
            rows.iter().try_for_each(|row| browser_sessions::insert(tx, row))?;
            passkey_ceremonies::put(tx, &first.hash, "old", at(60))?;
            passkey_ceremonies::put(tx, &first.hash, "new", at(60))?;
            passkey_ceremonies::put(tx, &second.hash, "other", at(60))?;
            assert_eq!(passkey_ceremonies::take(tx, &first.hash, at(59))?.as_deref(), Some("new"));
            assert_eq!(passkey_ceremonies::take(tx, &first.hash, at(59))?, None);
            assert_eq!(passkey_ceremonies::take(tx, &second.hash, at(60))?, None, "too late, and spent");
            assert_eq!(passkey_ceremonies::take(tx, &second.hash, at(1))?, None);
            passkey_ceremonies::put(tx, &second.hash, "other", at(60))?;
            browser_sessions::delete(tx, &second.hash).map(drop)
        })
        .await;
    assert_eq!(database.count("passkey_ceremonies"), 0);
}
