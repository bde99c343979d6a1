//! SQLite has one writer at a time, and most of what a write costs is the wait for the disk at its end. So the writes that
//! wait share one transaction: whoever's turn it is takes all of them along, each in a savepoint of its own, so that an error
//! or a panic undoes only its own, and nobody is answered before the one COMMIT. Called by [`crate::Store::write`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::connection::{Access, SAVEPOINT_DEPTH};
use crate::{Store, StoreError, Tx, off_the_async_threads};

/// The writes that wait, in the order of their arrival.
#[derive(Default)]
pub(crate) struct WriteQueue {
    /// Whoever has it writes. It goes around in the order of asking.
    turn: Arc<tokio::sync::Mutex<()>>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    writes: Vec<(u64, Box<dyn Write>)>,
    arrived: u64,
}

impl WriteQueue {
    /// Its number, to withdraw it by.
    fn add(&self, write: Box<dyn Write>) -> u64 {
        let mut waiting = self.waiting();
        waiting.arrived += 1;
        let number = waiting.arrived;
        waiting.writes.push((number, write));
        number
    }

    /// Everything that waits, without those whose callers have left.
    fn take(&self) -> Vec<Box<dyn Write>> {
        let all = std::mem::take(&mut self.waiting().writes);
        all.into_iter().map(|(_, write)| write).filter(|write| write.is_wanted()).collect()
    }

    /// `false` when somebody has taken it along.
    fn withdraw(&self, number: u64) -> bool {
        let mut waiting = self.waiting();
        let before = waiting.writes.len();
        waiting.writes.retain(|(other, _)| *other != number);
        waiting.writes.len() < before
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write of any type.
trait Write: Send {
    fn is_wanted(&self) -> bool;

    /// Whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Tells the caller how it ended, now that the transaction has.
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
}

struct Job<T, F> {
    work: F,
    outcome: Option<Outcome<T>>,
    caller: oneshot::Sender<Outcome<T>>,
}

/// What the work returned, or how it panicked.
type Outcome<T> = Result<Result<T, StoreError>, Box<dyn Any + Send>>;

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: Fn(&mut Tx) -> Result<T, StoreError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.caller.is_closed()
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(tx)));
        matches!(self.outcome.insert(outcome), Ok(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(Ok(_))) | None, Err(error)) => Ok(Err(error.clone())),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => Ok(Err(StoreError::Unavailable("it was not its turn".into()))),
        };
        // Nobody may listen any more.
        let _ = self.caller.send(outcome);
    }
}

/// Adds `work` to the queue and sees to it that somebody runs it: whoever's turn comes first, perhaps this caller.
pub(crate) async fn write<T, F>(
    store: &Store,
    queue: &WriteQueue,
    wait_for_turn: Duration,
    wait_for_connection: Duration,
    work: F,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Fn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
{
    let (caller, mut answer) = oneshot::channel();
    let number = queue.add(Box::new(Job { work, outcome: None, caller }));
    let turn = tokio::select! {
        biased;
        outcome = &mut answer => return ended(outcome),
        turn = tokio::time::timeout(wait_for_turn, queue.turn.clone().lock_owned()) => turn,
    };
    let Ok(turn) = turn else {
        if queue.withdraw(number) {
            return Err(StoreError::Unavailable("too many writes are waiting".into()));
        }
        return ended(answer.await);
    };
    // Answers are given before the turn is passed on.
    if let Ok(outcome) = answer.try_recv() {
        return unpacked(outcome);
    }
    let permit = store.connection_within(wait_for_connection).await.inspect_err(|_| {
        queue.withdraw(number);
    })?;
    let (together, all) = (store.clone(), queue.take());
    off_the_async_threads(move || {
        // Kept to the end even when the caller goes away.
        let _kept = (turn, permit);
        together.write_together(all);
        Ok(())
    })
    .await?;
    ended(answer.await)
}

fn ended<T>(outcome: Result<Outcome<T>, oneshot::error::RecvError>) -> Result<T, StoreError> {
    outcome.map_or_else(|_| Err(StoreError::Unavailable("the server is shutting down".into())), unpacked)
}

fn unpacked<T>(outcome: Outcome<T>) -> Result<T, StoreError> {
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

impl Store {
    fn write_together(&self, mut writes: Vec<Box<dyn Write>>) {
        let committed = self.commit_together(&mut writes);
        for write in writes {
            write.answer(&committed);
        }
    }

    fn commit_together(&self, writes: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
        let mut tx = self.begin(Access::Write)?;
        for write in writes {
            let began = tx.begin_savepoint();
            let ended = began.and_then(|()| {
                let keep = write.run(&mut tx);
                if keep { tx.release_savepoint() } else { tx.roll_back_to(SAVEPOINT_DEPTH) }
            });
            // On a full disk SQLite gives up the whole transaction, the writes before this one with it.
            if let Err(error) = ended {
                tx.roll_back();
                return Err(StoreError::Unavailable(format!(
                    "a transaction that several writes shared broke: {error}"
                )));
            }
        }
        tx.commit(Access::Write)
    }
}
