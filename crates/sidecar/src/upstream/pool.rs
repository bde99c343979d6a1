//! Connections to the MCP server that wait for their next request. On one thread, so nothing is locked.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;

/// More than so many do not wait.
const MOST: usize = 64;

/// How long one waits when the server does not say how long it would: many close after five seconds, and a request that is
/// sent in that moment is lost.
const IDLE: Duration = Duration::from_secs(4);

/// The longest that one waits, whatever the server says.
const LONGEST: Duration = Duration::from_secs(60);

/// How often those are closed that waited for too long.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Pool {
    waiting: RefCell<Vec<(Instant, Connection)>>,
    is_watched: Cell<bool>,
}

impl Pool {
    /// The one that was used last and is still good; those that are not are closed on the way.
    pub fn take(&self) -> Option<Connection> {
        let mut waiting = self.waiting.borrow_mut();
        while let Some((until, mut connection)) = waiting.pop() {
            if Instant::now() < until && connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps one whose answer was read to its end.
    pub fn put(self: &Rc<Self>, connection: Connection) {
        if self.waiting.borrow().len() >= MOST {
            return;
        }
        // A second earlier than the server, so that both never decide at once.
        let idle = connection.idle.map_or(IDLE, |idle| LONGEST.min(idle.saturating_sub(Duration::from_secs(1))));
        self.waiting.borrow_mut().push((Instant::now() + idle, connection));
        if !self.is_watched.replace(true) {
            actix_web::rt::spawn(watch(Rc::downgrade(self)));
        }
    }

    fn close_old(&self) -> usize {
        let now = Instant::now();
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain_mut(|(until, connection)| now < *until && connection.is_quiet());
        waiting.len()
    }
}

/// Runs while connections wait.
async fn watch(pool: Weak<Pool>) {
    loop {
        sleep(LOOK).await;
        let Some(pool) = pool.upgrade() else { return };
        if pool.close_old() == 0 {
            pool.is_watched.set(false);
            return;
        }
    }
}
