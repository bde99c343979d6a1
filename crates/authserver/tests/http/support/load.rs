//! Clients that refresh without a pause, as real ones behave: they keep the last token that arrived, and come again with it
//! when the connection broke or the server asked for patience.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::sleep;
use gatelodge_oauth::secret::Secret;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::seed::Seeder;
use super::{Server, Tokens};

const PAUSE: Duration = Duration::from_millis(20);

/// What a client may meet besides a 200; anything else fails the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Nothing,
    /// The server dies: connections are refused, or break.
    BrokenConnections,
    /// The database is away: 503.
    Excuses,
}

/// What the clients met.
#[derive(Debug, Default)]
pub struct Counts {
    pub refreshed: Cell<usize>,
    pub excused: Cell<usize>,
    pub broken: Cell<usize>,
}

/// Running clients, each with a grant of its own.
pub struct Load {
    pub counts: Rc<Counts>,
    stopped: Rc<Cell<bool>>,
    clients: Vec<(JoinHandle<()>, Rc<RefCell<String>>)>,
}

impl Load {
    pub fn start(server: &Server, seeder: &Seeder, first_tokens: &[Secret], trouble: Trouble) -> Self {
        let (counts, stopped) = (Rc::<Counts>::default(), Rc::<Cell<bool>>::default());
        let client = |first: &Secret| {
            let token = Rc::new(RefCell::new(first.expose().to_owned()));
            let (own, counts, stopped) = (Rc::clone(&token), Rc::clone(&counts), Rc::clone(&stopped));
            let request = server.request(Method::POST, "/token");
            let parameters = seeder.refresh_request("");
            let handle = actix_web::rt::spawn(async move {
                while !stopped.get() {
                    let form = parameters.clone().with("refresh_token", &own.borrow());
                    let request = request.try_clone().expect("a request without a body");
                    if let Some(next) = refresh(request.form(form.pairs()), trouble, &counts).await {
                        *own.borrow_mut() = next;
                    }
                }
            });
            (handle, token)
        };
        let clients = first_tokens.iter().map(client).collect();
        Self { counts, stopped, clients }
    }

    /// Waits until `number` more refreshes have succeeded, or a client has failed.
    pub async fn progress(&self, number: usize) {
        let wanted = self.counts.refreshed.get() + number;
        while self.counts.refreshed.get() < wanted && !self.clients.iter().any(|(client, _)| client.is_finished()) {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Lets every client finish what it does. Each one's last token must still refresh.
    pub async fn stop(self, server: &Server, seeder: &Seeder) -> Rc<Counts> {
        self.stopped.set(true);
        for (client, token) in self.clients {
            client.await.expect("the client met nothing that it may not meet");
            let form = seeder.refresh_request(&token.take());
            Tokens::of(&server.post("/token", &form).await);
        }
        self.counts
    }
}

/// The next token, if it arrived whole.
async fn refresh(request: RequestBuilder, trouble: Trouble, counts: &Counts) -> Option<String> {
    let add = |count: &Cell<usize>| count.set(count.get() + 1);
    let received = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
    };
    match received.await {
        Ok((200, body)) => {
            add(&counts.refreshed);
            let body: Value = serde_json::from_str(&body).expect("JSON");
            return Some(body["refresh_token"].as_str().expect("a refresh token").to_owned());
        }
        Ok((503, _)) if trouble == Trouble::Excuses => add(&counts.excused),
        Err(_) if trouble == Trouble::BrokenConnections => add(&counts.broken),
        met => panic!("a client met {met:?}"),
    }
    sleep(PAUSE).await;
    None
}
