//! What an administrator does to signing keys in the browser, which is what `gatelodge key` does.

use crate::support::administrator::{Administrator, operator, server};
use crate::support::{Database, Server, on_both_databases};

on_both_databases! {
    keys_are_published_and_taken_out_of_use,
}

async fn published(server: &Server) -> Vec<String> {
    let keys = server.get("/jwks").await.json()["keys"].clone();
    let kids = keys.as_array().expect("a set").iter();
    kids.map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
}

/// How often the trail says that bob did this to this key.
fn written(database: &Database, outcome: &str, kid: &str) -> i64 {
    let event = format!("outcome = '{outcome}' AND reason = 'operator' AND subject IS NULL AND mcp_name = '{kid}'");
    let by = "actor = (SELECT id FROM users WHERE username = 'bob')";
    database.count(&format!("audit_events WHERE {event} AND {by}"))
}

/// Proves RFC 7517 §5: a key that somebody else may have is published no more, and another one signs.
async fn keys_are_published_and_taken_out_of_use(database: &Database) {
    let server = server(database).await;
    let operator = operator(database);
    let mut bob = Administrator::let_in(&server, &operator, "bob").await;
    let first = published(&server).await;
    let page = bob.open("/keys").await;
    assert!(first.len() == 1 && page.answer.body.contains(&first[0]), "{page:?}");

    // Of two that were made in the same second neither is the newer one.
    server.advance(1);
    let after = bob.submit("/keys", &page.form("rotate")).await;
    assert!(after.path == "/keys" && !after.has("rotate"), "{after:?}");
    bob.submit("/keys", &page.form("rotate")).await;
    server.advance(6);
    let both = published(&server).await;
    assert_eq!(both.len(), 2, "sent twice, it makes one");
    let next = both.iter().find(|kid| **kid != first[0]).expect("another one").clone();
    assert_eq!((written(database, "key_published", &next), written(database, "key_published", &first[0])), (1, 0));

    // The newest stands first: the second form is that of the one that signs.
    let form = after.form("revoke-2").without("confirm");
    assert_eq!(form.get("kid"), first[0]);
    let unconfirmed = bob.submit("/keys", &form).await;
    assert!(unconfirmed.answer.status == 400 && unconfirmed.has("problem"), "{unconfirmed:?}");
    server.advance(6);
    assert_eq!(published(&server).await.len(), 2);
    let confirmed = form.with("confirm", "yes");
    assert_eq!(bob.submit("/keys", &confirmed).await.path, "/keys");
    server.advance(6);
    assert_eq!(published(&server).await, std::slice::from_ref(&next));
    assert_eq!(database.count(&format!("signing_keys WHERE active AND kid = '{next}'")), 1);
    assert_eq!(written(database, "key_revoked", &first[0]), 1);
    bob.submit("/keys", &confirmed).await.assert_error(404, "not_found");
    for bad in [
        confirmed.clone().with("do", "destroy"),
        confirmed.clone().without("do"),
        page.form("rotate").with("kid", &next),
    ] {
        bob.submit("/keys", &bad).await.assert_error(400, "request_invalid");
    }
    bob.submit("/keys", &confirmed.with("kid", &next).without("csrf_token")).await.assert_error(403, "form_refused");
    assert_eq!(database.count("signing_keys"), 1);

    assert!(operator.run(&["key", "rotate"], &[]).status.success());
    assert!(operator.run(&["key", "revoke", &next], &[]).status.success());
    for outcome in ["key_published", "key_revoked"] {
        assert_eq!(database.count(&format!("audit_events WHERE outcome = '{outcome}' AND actor = 'command'")), 1);
    }
}
