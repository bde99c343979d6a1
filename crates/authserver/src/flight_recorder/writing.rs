//! Keeps what the flight recorder noted, in the order in which it was noted, several steps in one transaction. Nobody waits for it;
//! what the database does not take is told in the log and forgotten.

use std::time::Duration;

use gatelodge_oauth::grant::{GrantId, UserId};
use gatelodge_oauth::time::Timestamp;
use gatelodge_store::connection_steps::{self, ConnectionStep};
use gatelodge_store::{StoreError, Tx, authorization_codes, users};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Link, Note, Step};
use crate::app::App;

/// The most steps in one transaction.
const BATCH: usize = 100;

/// A step waits for so long for others to go with.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long the end of the process is held up for what is not kept yet.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long what a stranger did is kept at most.
const STRANGERS_KEPT_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How many steps of strangers are kept at most: the newest ones.
const STRANGERS_STEPS: u32 = 20_000;

/// Steps that one sweep deletes at most.
const SWEPT: u32 = 1_000;

/// The task that writes.
pub struct Writing {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Writing {
    /// Begins to write.
    pub fn begin(app: App, notes: mpsc::Receiver<Note>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: actix_web::rt::spawn(write(app, notes, stopped)) }
    }

    /// Writes what is there, for a moment.
    pub async fn finish(self) {
        self.stop.send(()).ok();
        timeout(FAREWELL, self.task).await.ok();
    }
}

async fn write(app: App, mut notes: mpsc::Receiver<Note>, mut stopped: oneshot::Receiver<()>) {
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            _ = notes.recv_many(&mut batch, BATCH) => {}
            _ = &mut stopped => break,
        }
        sleep(INTERVAL).await;
        while batch.len() < BATCH
            && let Ok(note) = notes.try_recv()
        {
            batch.push(note);
        }
        keep(&app, batch).await;
    }
    let mut rest = Vec::new();
    notes.close();
    while let Ok(note) = notes.try_recv() {
        rest.push(note);
    }
    keep(&app, rest).await;
}

async fn keep(app: &App, batch: Vec<Note>) {
    let steps = batch.len();
    if steps == 0 {
        return;
    }
    if let Err(error) = app.store.write(move |tx| batch.iter().try_for_each(|note| keep_one(tx, note))).await {
        tracing::warn!(%error, steps, "steps of connections are missing in the flight recorder");
    }
    let lost = app.recorder.take_lost();
    if lost > 0 {
        tracing::info!(lost, "steps of connections are not recorded: there were too many at once, or from one source");
    }
}

fn keep_one(tx: &mut Tx, note: &Note) -> Result<(), StoreError> {
    let Some(step) = placed(tx, note)? else { return Ok(()) };
    let owner = match &step.user_id {
        // Somebody who left meanwhile is forgotten.
        Some(id) => users::find(tx, &UserId::from_stored(id.clone()))?.map(|user| user.id),
        None => None,
    };
    let step = ConnectionStep { user_id: owner.as_ref().map(ToString::to_string), ..step };
    connection_steps::insert(tx, &step)?;
    match owner {
        Some(owner) => connection_steps::give_to(tx, &step.connection, &owner),
        None => Ok(()),
    }
}

/// The step with its attempt. `None`: there is no such attempt.
fn placed(tx: &mut Tx, note: &Note) -> Result<Option<ConnectionStep>, StoreError> {
    let step = note.step.clone();
    let grant_id = match &note.link {
        Link::Named => return Ok(Some(step)),
        Link::From(beginnings) => {
            for beginning in beginnings {
                connection_steps::join(tx, beginning, &step.connection)?;
            }
            join_registration(tx, &step)?;
            return Ok(Some(step));
        }
        Link::Grant => step.grant_id.clone().map(GrantId::from_stored),
        Link::Code(hash) => authorization_codes::find(tx, hash)?.map(|code| code.grant_id),
    };
    let Some(grant_id) = grant_id else { return Ok(None) };
    let first = connection_steps::first_of_grant(tx, &grant_id)?;
    Ok(first.map(|first| ConnectionStep {
        connection: first.connection,
        client_id: first.client_id,
        user_id: first.user_id,
        resource: first.resource,
        grant_id: first.grant_id,
        ..step
    }))
}

/// A registration belongs to the first request after it.
fn join_registration(tx: &mut Tx, step: &ConnectionStep) -> Result<(), StoreError> {
    let Some(client_id) = &step.client_id else { return Ok(()) };
    let registered = connection_steps::newest_of_client(tx, client_id, Step::Registered.as_str())?;
    let Some(beginning) = registered.map(|registered| registered.connection) else { return Ok(()) };
    let is_begin = |step: &ConnectionStep| matches!(Step::of(&step.step), Some(Step::MetadataRead | Step::Registered));
    if connection_steps::of_connection(tx, &beginning)?.iter().all(is_begin) {
        connection_steps::join(tx, &beginning, &step.connection)?;
    }
    Ok(())
}

/// Deletes a batch of what is old; whether there may be more of it. `None`: nothing is kept.
pub fn sweep(tx: &mut Tx, kept_for: Option<Duration>, now: Timestamp) -> Result<bool, StoreError> {
    let of_strangers =
        connection_steps::delete_of_strangers(tx, now.minus(STRANGERS_KEPT_FOR), STRANGERS_STEPS, SWEPT)?;
    let before = kept_for.map_or(now.plus(Duration::from_secs(1)), |time| now.minus(time));
    let old = connection_steps::delete_before(tx, before, SWEPT)?;
    Ok(of_strangers.max(old) >= SWEPT as usize)
}
