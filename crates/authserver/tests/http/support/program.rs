//! The real program on a database, in a process of its own that can be killed and started again where it was.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::rt::task::spawn_blocking;
use gatelodge_e2e::process::Process;
use gatelodge_e2e::stack::free_ports;

use super::binary::Workplace;
use super::{Database, ENCRYPTION_KEY, ISSUER, NO_LIMITS, ONE_RESOURCE, Server};

pub struct Program {
    workplace: Arc<Workplace>,
    addresses: [SocketAddr; 2],
    process: Option<Process>,
    /// Where it is asked.
    pub server: Server,
}

impl Program {
    /// Starts it, ready. It ends with the test.
    pub async fn start(database: &Database) -> Self {
        let addresses = free_ports().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let [listen, health] = addresses;
        let workplace = Arc::new(Workplace::new(&format!(
            "public_url = \"{ISSUER}\"\nlisten = \"{listen}\"\nhealth_listen = \"{health}\"\n\
             trusted_proxies = [\"127.0.0.1\"]\n[database]\nurl = \"{}\"\n{ONE_RESOURCE}\n[limits]\n{NO_LIMITS}\n[keys]\n{ENCRYPTION_KEY}\n[logs]\nlevel = \"warn\"\n",
            database.url
        )));
        let server = Server::elsewhere(listen, health, ISSUER);
        let mut program = Self { workplace, addresses, process: None, server };
        program.restart().await;
        program
    }

    /// Waits until it is ready again. Others go on meanwhile: waiting blocks a thread of its own.
    pub async fn restart(&mut self) {
        let (workplace, [listen, health]) = (Arc::clone(&self.workplace), self.addresses);
        let started = spawn_blocking(move || workplace.serve(listen, health, ISSUER).0);
        self.process = Some(started.await.expect("it starts"));
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }
}
