//! Clients that documents describe.

use gatelodge_oauth::client::{Client, ClientId, ClientKeys, Registration, TokenEndpointAuthMethod};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::{clients, sweep};

use crate::support::{TestDatabase, on_both_databases};

on_both_databases!(
    a_newer_document_takes_the_place_of_an_older_one,
    nobody_elses_client_is_replaced,
    documents_without_a_grant_are_forgotten
);

const URL: &str = "https://app.example/client.json";

fn described(now: i64) -> Client {
    Client {
        name: Some("App".into()),
        redirect_uris: vec!["http://127.0.0.1/cb".into()],
        ..Client::new(ClientId::new(URL), Registration::MetadataDocument, Timestamp::from_unix(now))
    }
}

async fn a_newer_document_takes_the_place_of_an_older_one(database: TestDatabase) {
    let id = ClientId::new(URL);
    let newer = Client {
        name: Some("Renamed".into()),
        redirect_uris: vec!["https://app.example/cb".into()],
        auth_methods: vec![TokenEndpointAuthMethod::PrivateKeyJwt, TokenEndpointAuthMethod::None],
        keys: Some(ClientKeys::Uri("https://app.example/jwks".into())),
        client_uri: Some("https://app.example/".into()),
        ..described(20)
    };
    for (client, fresh_until) in [(described(10), 15), (newer, 30), (described(40), 50)] {
        let kept = client.clone();
        database.write(move |tx| clients::keep_document(tx, &kept, Timestamp::from_unix(fresh_until))).await;
        let id = id.clone();
        let known = database.read(move |tx| clients::find_known(tx, &id)).await.expect("known");
        assert_eq!((known.client, known.fresh_until), (client, Some(Timestamp::from_unix(fresh_until))));
    }
    assert_eq!(database.count("clients"), 1);
}

async fn nobody_elses_client_is_replaced(database: TestDatabase) {
    let configured = Client { registration: Registration::Configured, name: Some("Ours".into()), ..described(10) };
    let inserted = configured.clone();
    database.write(move |tx| clients::insert(tx, &inserted)).await;
    database.write(|tx| clients::keep_document(tx, &described(20), Timestamp::from_unix(30))).await;
    let known = database.read(|tx| clients::find_known(tx, &ClientId::new(URL))).await.expect("known");
    assert_eq!((known.client, known.fresh_until), (configured, None));
}

async fn documents_without_a_grant_are_forgotten(database: TestDatabase) {
    const STAY: i64 = 8 * 86_400;
    let grant = database.grant().await;
    let granted = Client { id: grant.client_id.clone(), ..described(10) };
    let recent = Client { id: ClientId::new("https://app.example/recent"), ..described(11) };
    let dynamic = Client { id: ClientId::new("client_1"), registration: Registration::Dynamic, ..described(10) };
    let documents = [described(10), granted.clone(), recent.clone()];
    let other = dynamic.clone();
    database
        .write(move |tx| {
            clients::insert(tx, &other)?;
            documents.iter().try_for_each(|client| clients::keep_document(tx, client, Timestamp::from_unix(20)))
        })
        .await;
    let report = database.write(|tx| sweep(tx, Timestamp::from_unix(10 + STAY))).await;
    assert_eq!((report.documents, report.unfinished), (1, false));
    for (id, stays) in [(ClientId::new(URL), false), (granted.id, true), (recent.id, true), (dynamic.id, true)] {
        let shown = id.to_string();
        let found = database.read(move |tx| clients::find(tx, &id)).await;
        assert_eq!(found.is_some(), stays, "{shown}");
    }
}
