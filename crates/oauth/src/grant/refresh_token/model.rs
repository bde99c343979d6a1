//! Every order in which things can happen to one grant, within bounds, searched exhaustively: three processes of one client
//! that present tokens, answers that arrive or are lost, crashes before and after the commit, a thief or a sibling who copies
//! a token, the time passing every border, and a revocation in between. The steps are those of the server, [`Presented`]; only
//! the rows are kept elsewhere. A transaction holds its grant, so orders of whole transactions are all the orders there are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use super::{Chain, Presented, RefreshToken, Rotation, SealedSuccessor, Windows};
use crate::client::{Client, ClientId, Registration};
use crate::error::OAuthError;
use crate::grant::{Grant, GrantId, UserId};
use crate::resource::ResourceId;
use crate::secret::{HashedSecret, Kind, Secret};
use crate::time::Timestamp;

const PROCESSES: usize = 3;
/// How often each process presents a token, so that a chain grows to ten.
const PRESENTATIONS: u8 = 3;

/// Time passes in ticks, and every border lies on one: the windows, the end of an unused token, the end of the grant.
const STALE_SIBLING: u8 = 1;
const LOST_RESPONSE: u8 = 2;
const IDLE: u8 = 3;
const END_OF_GRANT: u8 = 4;
const END_OF_TIME: u8 = 5;

/// The rows, as small as they can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Rows {
    now: u8,
    revoked: bool,
    tokens: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    expires: u8,
    spent: Option<u8>,
    successor: Option<u8>,
}

/// The rows by their number, and each process: which token it has, and how often it will still present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    rows: u32,
    processes: [(u8, u8); PROCESSES],
}

/// The rows after a token was presented, and the token in the answer; `None` when it was refused.
type Outcome = (Rows, Option<u8>);

/// What does not change.
struct Fixture {
    secrets: Vec<Secret>,
    numbers: HashMap<[u8; 32], u8>,
    sealed: RefCell<HashMap<(u8, u8), SealedSuccessor>>,
    grant: Grant,
    client: Client,
    windows: Windows,
}

fn ticks(number: u8) -> Duration {
    Duration::from_secs(100 * u64::from(number))
}

fn at(tick: u8) -> Timestamp {
    Timestamp::from_unix(1_000_000).plus(ticks(tick))
}

fn tick_of(time: Timestamp) -> u8 {
    u8::try_from(time.since(at(0)).as_secs() / 100).expect("within the bounds")
}

impl Fixture {
    fn new() -> Self {
        let longest = PROCESSES * usize::from(PRESENTATIONS) + 2;
        let secrets: Vec<Secret> = (0..longest).map(|_| Secret::generate(Kind::RefreshToken)).collect();
        let numbers = (0..).zip(&secrets).map(|(number, secret)| (*secret.hash().as_bytes(), number)).collect();
        let client = Client::new(ClientId::new("c"), Registration::Dynamic, at(0));
        let grant = Grant {
            id: GrantId::generate(),
            user_id: Some(UserId::generate()),
            client_id: client.id.clone(),
            resource: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
            scope: "a".parse().expect("a scope"),
            created_at: at(0),
            expires_at: at(END_OF_GRANT),
            revoked_at: None,
            auth_method: None,
            status_index: None,
            remembered_from: None,
            name: None,
        };
        let windows = Windows { lost_response: ticks(LOST_RESPONSE), stale_sibling: ticks(STALE_SIBLING) };
        Self { secrets, numbers, sealed: RefCell::default(), grant, client, windows }
    }

    /// One transaction of the server: the answer to `token`.
    fn present(&self, rows: &mut Rows, token: u8, new_token: &Secret, client: &Client) -> Result<u8, OAuthError> {
        let now = at(rows.now);
        let grant = Grant { revoked_at: rows.revoked.then(|| at(0)), ..self.grant.clone() };
        let mut chain = Stored { fixture: self, rows };
        let Ok(presented) = Presented::find(&mut chain, self.secrets[usize::from(token)].clone());
        let presented = presented.expect("it is stored");
        let rotation = presented.judge(&grant, client, self.windows, now)?;
        let Ok(head) = presented.carry_out(rotation, &mut chain, &grant, new_token, ticks(IDLE), now);
        head.map(|head| self.numbers[head.hash().as_bytes()])
    }

    /// Presents every token there is, and checks what must be true of it whoever presents it.
    fn outcomes(&self, rows: &Rows) -> Vec<Outcome> {
        check_shape(rows);
        (0..).take(rows.tokens.len()).map(|token| self.outcome(rows, token)).collect()
    }

    fn outcome(&self, rows: &Rows, token: u8) -> Outcome {
        let new_token = &self.secrets[rows.tokens.len()];
        let mut after = rows.clone();
        let answer = self.present(&mut after, token, new_token, &self.client);
        assert_eq!((answer.as_ref().ok().copied(), &after), expected(rows, token).parts(), "{token} of {rows:?}");
        check_shape(&after);

        // The commit succeeded and the server does not know: it does the same once more.
        let mut again = after.clone();
        let repeated = self.present(&mut again, token, new_token, &self.client);
        assert_eq!((repeated.is_ok(), &again), (answer.is_ok(), &after), "repeated: {token} of {rows:?}");
        assert!(answer.is_err() || repeated == answer);

        // Another client gets nothing and changes nothing.
        let mut unchanged = rows.clone();
        let stranger = Client { id: ClientId::new("other"), ..self.client.clone() };
        let refused = self.present(&mut unchanged, token, new_token, &stranger);
        assert_eq!((refused, &unchanged), (Err(OAuthError::refresh_token_of_another_client()), rows));
        (after, answer.ok())
    }
}

/// What the documents promise, in other words than the code's.
struct Expected {
    answer: Option<u8>,
    rows: Rows,
}

impl Expected {
    fn parts(&self) -> (Option<u8>, &Rows) {
        (self.answer, &self.rows)
    }
}

fn expected(before: &Rows, token: u8) -> Expected {
    let (row, mut rows) = (before.tokens[usize::from(token)], before.clone());
    let head = before.tokens.iter().position(|row| row.spent.is_none()).expect("a chain has a head");
    let head_lives = before.now < before.tokens[head].expires;
    let head = u8::try_from(head).expect("a few tokens");
    let answer = if before.revoked || before.now >= END_OF_GRANT {
        None
    } else if token == head && head_lives {
        let successor = u8::try_from(before.tokens.len()).expect("a few tokens");
        rows.tokens[usize::from(token)] = Row { spent: Some(before.now), successor: Some(successor), ..row };
        rows.tokens.push(Row { expires: END_OF_GRANT.min(before.now + IDLE), spent: None, successor: None });
        Some(successor)
    } else if let Some(spent) = row.spent {
        let age = before.now - spent;
        let answer_may_be_lost = row.successor == Some(head) && age <= LOST_RESPONSE;
        let inside = answer_may_be_lost || age <= STALE_SIBLING;
        rows.revoked = !inside;
        Some(head).filter(|_| inside && head_lives)
    } else {
        None
    };
    Expected { answer, rows }
}

/// One unspent token, and one branch from the first token to it.
fn check_shape(rows: &Rows) {
    let unspent = rows.tokens.iter().filter(|row| row.spent.is_none()).count();
    assert_eq!(unspent, 1, "{rows:?}");
    let (mut at, mut length) = (0, 1);
    while let Some(next) = rows.tokens[at].successor {
        (at, length) = (usize::from(next), length + 1);
    }
    assert_eq!(length, rows.tokens.len(), "a second branch: {rows:?}");
    assert!(rows.tokens[at].spent.is_none(), "a branch without a head: {rows:?}");
}

struct Stored<'a> {
    fixture: &'a Fixture,
    rows: &'a mut Rows,
}

impl Chain for Stored<'_> {
    type Error = Infallible;

    fn find(&mut self, hash: &HashedSecret) -> Result<Option<RefreshToken>, Infallible> {
        let number = self.fixture.numbers[hash.as_bytes()];
        let Some(row) = self.rows.tokens.get(usize::from(number)) else { return Ok(None) };
        let sealed = |successor| self.fixture.sealed.borrow()[&(number, successor)].clone();
        Ok(Some(RefreshToken {
            hash: *hash,
            grant_id: self.fixture.grant.id.clone(),
            created_at: at(0),
            expires_at: at(row.expires),
            spent_at: row.spent.map(at),
            successor: row.successor.map(sealed),
        }))
    }

    fn extend(
        &mut self,
        head: &HashedSecret,
        sealed: &SealedSuccessor,
        successor: &RefreshToken,
    ) -> Result<(), Infallible> {
        let [head, next] = [head, &successor.hash].map(|hash| self.fixture.numbers[hash.as_bytes()]);
        let row = &mut self.rows.tokens[usize::from(head)];
        assert_eq!((row.spent, usize::from(next)), (None, self.rows.tokens.len()), "it was spent before");
        let row = &mut self.rows.tokens[usize::from(head)];
        (row.spent, row.successor) = (Some(tick_of(successor.created_at)), Some(next));
        self.rows.tokens.push(Row { expires: tick_of(successor.expires_at), spent: None, successor: None });
        self.fixture.sealed.borrow_mut().insert((head, next), sealed.clone());
        Ok(())
    }

    fn revoke_grant(&mut self, grant: &GrantId, _: Timestamp) -> Result<(), Infallible> {
        assert_eq!(*grant, self.fixture.grant.id, "only this grant");
        self.rows.revoked = true;
        Ok(())
    }
}

/// An [`Outcome`] by the number of its rows.
type Known = (u32, Option<u8>);

/// The states that were found.
struct Search {
    fixture: Fixture,
    numbers: HashMap<Rows, u32>,
    rows: Vec<(Rows, Vec<Known>)>,
    seen: HashSet<World>,
    waiting: Vec<World>,
    transitions: usize,
}

impl Search {
    /// The number of these rows.
    fn number(&mut self, rows: Rows) -> u32 {
        let next = u32::try_from(self.rows.len()).expect("fewer than that");
        let number = *self.numbers.entry(rows.clone()).or_insert(next);
        if number == next {
            self.rows.push((rows, Vec::new()));
        }
        number
    }

    /// What each token leads to; worked out once for all worlds with the same rows.
    fn outcomes(&mut self, number: u32) -> Vec<Known> {
        let (rows, known) = &self.rows[number as usize];
        if known.is_empty() {
            let outcomes = self.fixture.outcomes(&rows.clone());
            let outcomes: Vec<_> = outcomes.into_iter().map(|(rows, answer)| (self.number(rows), answer)).collect();
            self.rows[number as usize].1 = outcomes;
        }
        self.rows[number as usize].1.clone()
    }

    fn reach(&mut self, rows: u32, mut processes: [(u8, u8); PROCESSES]) {
        self.transitions += 1;
        if self.rows[rows as usize].0.revoked {
            // Every token is still presented, at every later time; which process has it makes no difference any more.
            processes = [(0, 0); PROCESSES];
        }
        // Nor does it ever, which process is which.
        processes.sort_unstable();
        let world = World { rows, processes };
        if self.seen.insert(world) {
            self.waiting.push(world);
        }
    }

    fn everything_after(&mut self, World { rows: number, processes }: World) {
        let rows = self.rows[number as usize].0.clone();
        if rows.now < END_OF_TIME {
            let later = self.number(Rows { now: rows.now + 1, ..rows.clone() });
            self.reach(later, processes);
        }
        let revoked = self.number(Rows { revoked: true, ..rows });
        self.reach(revoked, processes);
        let outcomes = self.outcomes(number);
        for (process, (token, left)) in processes.into_iter().enumerate() {
            for other in 0..PROCESSES {
                // A sibling reads the file of this process, or a thief does.
                let mut copied = processes;
                copied[other].0 = token;
                self.reach(number, copied);
            }
            if left == 0 {
                continue;
            }
            let (after, answer) = outcomes[usize::from(token)];
            let mut tried = processes;
            tried[process].1 -= 1;
            // A crash before the commit; the answer lost after it; the answer received.
            self.reach(number, tried);
            self.reach(after, tried);
            if let Some(answer) = answer {
                tried[process].0 = answer;
                self.reach(after, tried);
            }
        }
    }
}

/// Proves RFC 9700 §4.14.2: in every reachable state a grant has one unspent token, and only a replay ends it.
#[test]
fn whatever_happens_a_grant_has_one_head_and_only_a_replay_after_the_windows_ends_it() {
    let (numbers, rows, seen, waiting) = (HashMap::new(), Vec::new(), HashSet::new(), Vec::new());
    let mut search = Search { fixture: Fixture::new(), numbers, rows, seen, waiting, transitions: 0 };
    let first = Row { expires: IDLE, spent: None, successor: None };
    let start = search.number(Rows { now: 0, revoked: false, tokens: vec![first] });
    search.reach(start, [(0, PRESENTATIONS); PROCESSES]);
    while let Some(world) = search.waiting.pop() {
        search.everything_after(world);
    }
    let longest = search.seen.iter().map(|world| search.rows[world.rows as usize].0.tokens.len()).max();
    assert_eq!(longest, Some(PROCESSES * usize::from(PRESENTATIONS) + 1), "every presentation can be a rotation");
    println!(
        "{} states, {} transitions, {} different sets of rows",
        search.seen.len(),
        search.transitions,
        search.rows.len()
    );
}

/// The search would pass if nothing ever happened, so each way out is shown to be taken.
#[test]
fn the_model_reaches_every_decision() {
    let fixture = Fixture::new();
    let mut rows = Rows { now: 0, revoked: false, tokens: vec![Row { expires: IDLE, spent: None, successor: None }] };
    let mut judge = |now: u8, token: u8| {
        rows.now = now;
        let rotation = {
            let mut chain = Stored { fixture: &fixture, rows: &mut rows };
            let Ok(presented) = Presented::find(&mut chain, fixture.secrets[usize::from(token)].clone());
            presented.expect("stored").judge(&fixture.grant, &fixture.client, fixture.windows, at(now))
        };
        rows = fixture.outcome(&rows, token).0;
        (rotation, rows.revoked)
    };
    assert_eq!(judge(0, 0), (Ok(Rotation::Rotate), false));
    assert_eq!(judge(LOST_RESPONSE, 0), (Ok(Rotation::Resume), false));
    assert_eq!(judge(LOST_RESPONSE, 1), (Ok(Rotation::Rotate), false));
    assert_eq!(judge(LOST_RESPONSE + STALE_SIBLING, 1), (Ok(Rotation::Resume), false));
    assert_eq!(judge(LOST_RESPONSE + STALE_SIBLING, 0), (Ok(Rotation::Replayed), true));
}
