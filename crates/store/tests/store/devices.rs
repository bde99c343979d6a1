//! Requests that do not begin in a browser: pushed ones, and those of devices. Decided once, handed out once.

use std::time::Duration;

use gatelodge_oauth::secret::Kind;
use gatelodge_store::{Insertion, device_authorizations, pushed_authorization_requests, sweep};

use crate::support::{TestDatabase, at, device, hash, on_both_databases, pushed_request};

on_both_databases!(
    a_pushed_request_comes_back_until_it_is_taken_out,
    a_pushed_request_that_expired_waits_for_pages_that_are_open,
    a_device_comes_back_by_either_code,
    a_user_code_is_given_once,
    a_device_is_decided_on_once_and_handed_out_once,
    a_device_that_expired_is_not_decided_on,
);

async fn a_pushed_request_comes_back_until_it_is_taken_out(database: TestDatabase) {
    let stored = pushed_request();
    database
        .write(move |tx| {
            pushed_authorization_requests::insert(tx, &stored)?;
            assert_eq!(pushed_authorization_requests::find(tx, &stored.hash)?.as_ref(), Some(&stored));
            assert!(pushed_authorization_requests::consume(tx, &stored.hash)?);
            assert!(!pushed_authorization_requests::consume(tx, &stored.hash)?);
            assert_eq!(pushed_authorization_requests::find(tx, &stored.hash)?, None);
            Ok(())
        })
        .await;
}

async fn a_pushed_request_that_expired_waits_for_pages_that_are_open(database: TestDatabase) {
    const HALF_AN_HOUR: i64 = 30 * 60;
    let stored = pushed_request();
    let inserted = stored.clone();
    database.write(move |tx| pushed_authorization_requests::insert(tx, &inserted)).await;
    for (now, swept) in [(at(60), 0), (at(60 + HALF_AN_HOUR - 1), 0), (at(60 + HALF_AN_HOUR), 1)] {
        let report = database.write(move |tx| sweep(tx, now)).await;
        assert_eq!(report.pushed_authorization_requests, swept, "{now}");
    }
}

async fn a_device_comes_back_by_either_code(database: TestDatabase) {
    let stored = device("BCDF-GHJK");
    database
        .write(move |tx| {
            assert_eq!(device_authorizations::insert(tx, &stored)?, Insertion::Inserted);
            assert_eq!(device_authorizations::find(tx, &stored.hash)?.as_ref(), Some(&stored));
            assert_eq!(device_authorizations::find_by_user_code(tx, &stored.user_code)?.as_ref(), Some(&stored));
            assert_eq!(device_authorizations::find_by_user_code(tx, &device("XXXX-XXXX").user_code)?, None);
            device_authorizations::record_poll(tx, &stored.hash, Duration::from_secs(10), at(7))?;
            let polled = device_authorizations::find(tx, &stored.hash)?.expect("is there");
            assert_eq!((polled.poll_interval, polled.last_polled_at), (Duration::from_secs(10), Some(at(7))));
            Ok(())
        })
        .await;
}

async fn a_user_code_is_given_once(database: TestDatabase) {
    database
        .write(|tx| {
            assert_eq!(device_authorizations::insert(tx, &device("BCDF-GHJK"))?, Insertion::Inserted);
            // The refusal leaves the transaction usable.
            assert_eq!(device_authorizations::insert(tx, &device("BCDF-GHJK"))?, Insertion::AlreadyExists);
            assert_eq!(device_authorizations::insert(tx, &device("BCDF-GHJL"))?, Insertion::Inserted);
            Ok(())
        })
        .await;
}

async fn a_device_is_decided_on_once_and_handed_out_once(database: TestDatabase) {
    let grant = database.grant().await;
    let (allowed, denied) = (device("BCDF-GHJK"), device("BCDF-GHJL"));
    let (by, by_other) = (hash(Kind::RefreshToken), hash(Kind::RefreshToken));
    database
        .write(move |tx| {
            device_authorizations::insert(tx, &allowed)?;
            device_authorizations::insert(tx, &denied)?;
            assert!(!device_authorizations::consume(tx, &allowed.hash, &by, at(1))?, "nothing was allowed yet");
            assert!(device_authorizations::hold_waiting(tx, &allowed.hash, at(1))?);
            device_authorizations::allow(tx, &allowed.hash, &grant.id)?;
            assert!(!device_authorizations::hold_waiting(tx, &allowed.hash, at(1))?);
            assert!(device_authorizations::consume(tx, &allowed.hash, &by, at(2))?);
            assert!(!device_authorizations::consume(tx, &allowed.hash, &by_other, at(3))?);
            assert!(device_authorizations::was_consumed_by(tx, &allowed.hash, &by)?);
            assert!(!device_authorizations::was_consumed_by(tx, &allowed.hash, &by_other)?);
            let found = device_authorizations::find(tx, &allowed.hash)?.expect("is there");
            assert_eq!((found.grant_id.as_ref(), found.consumed_at), (Some(&grant.id), Some(at(2))));

            assert!(device_authorizations::hold_waiting(tx, &denied.hash, at(1))?);
            device_authorizations::deny(tx, &denied.hash, at(2))?;
            assert!(!device_authorizations::hold_waiting(tx, &denied.hash, at(3))?);
            assert!(!device_authorizations::consume(tx, &denied.hash, &by, at(3))?);
            Ok(())
        })
        .await;
}

async fn a_device_that_expired_is_not_decided_on(database: TestDatabase) {
    let stored = device("BCDF-GHJK");
    database
        .write(move |tx| {
            device_authorizations::insert(tx, &stored)?;
            assert!(device_authorizations::hold_waiting(tx, &stored.hash, at(599))?);
            assert!(!device_authorizations::hold_waiting(tx, &stored.hash, at(600))?);
            Ok(())
        })
        .await;
}
