//! A proxy between the server and PostgreSQL that cuts a connection around a COMMIT: the moment at which the server
//! cannot know whether what it did was kept.

use std::cell::Cell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Which connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Nothing,
    /// The COMMIT never arrives.
    BeforeCommit,
    /// The COMMIT is done, and its answer never arrives.
    AfterCommit,
}

pub struct Proxy {
    pub port: u16,
    plan: Plan,
}

/// What is cut, after how many more COMMITs.
type Plan = Rc<Cell<(Cut, u32)>>;

impl Proxy {
    /// Runs as long as the test.
    pub async fn start(to_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let plan = Rc::new(Cell::new((Cut::Nothing, 0)));
        let shared = Rc::clone(&plan);
        actix_web::rt::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to_port)).await else { continue };
                actix_web::rt::spawn(forward(client, server, Rc::clone(&shared)));
            }
        });
        Self { port, plan }
    }

    /// Cuts once, at the next COMMIT after `passing` others.
    pub fn cut(&self, what: Cut, passing: u32) {
        self.plan.set((what, passing));
    }

    /// Whether the cut has happened.
    pub fn has_cut(&self) -> bool {
        self.plan.get().0 == Cut::Nothing
    }
}

/// What to do with a COMMIT.
fn next(plan: &Plan) -> Cut {
    match plan.get() {
        (cut, 0) => {
            plan.set((Cut::Nothing, 0));
            cut
        }
        (cut, passing) => {
            plan.set((cut, passing - 1));
            Cut::Nothing
        }
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, plan: Plan) {
    let (mut sent, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let Ok(length @ 1..) = read else { return };
                let commits = sent[..length].windows(7).any(|text| text == b"COMMIT\0");
                let cut = if commits { next(&plan) } else { Cut::Nothing };
                if cut == Cut::BeforeCommit || server.write_all(&sent[..length]).await.is_err() {
                    return;
                }
                if cut == Cut::AfterCommit {
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
