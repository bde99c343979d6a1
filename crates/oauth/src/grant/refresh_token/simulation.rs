//! Eight processes share one file of tokens for thirty days: they sleep, lose answers, read the file and come back late, write
//! it out of order. As long as each keeps inside the windows, nobody ever has to sign in again. The steps are the server's.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use super::chain::LONGEST_WALK;
use super::{Chain, Presented, RefreshToken, SealedSuccessor, Windows};
use crate::client::{Client, ClientId, Registration};
use crate::grant::{Grant, GrantId, UserId};
use crate::resource::ResourceId;
use crate::secret::{HashedSecret, Kind, Secret};
use crate::time::Timestamp;

const PROCESSES: usize = 8;
const END: i64 = 30 * 24 * 3_600;
const ACCESS_TOKEN: i64 = 3_600;
const WINDOWS: Windows = Windows { lost_response: Duration::from_secs(3_600), stale_sibling: Duration::from_secs(300) };

#[derive(Default)]
struct Stored {
    tokens: HashMap<[u8; 32], RefreshToken>,
    revoked: bool,
}

impl Chain for Stored {
    type Error = Infallible;

    fn find(&mut self, hash: &HashedSecret) -> Result<Option<RefreshToken>, Infallible> {
        Ok(self.tokens.get(hash.as_bytes()).cloned())
    }

    fn extend(
        &mut self,
        head: &HashedSecret,
        sealed: &SealedSuccessor,
        successor: &RefreshToken,
    ) -> Result<(), Infallible> {
        let head = self.tokens.get_mut(head.as_bytes()).expect("it was found");
        assert_eq!(head.spent_at, None);
        (head.spent_at, head.successor) = (Some(successor.created_at), Some(sealed.clone()));
        self.tokens.insert(*successor.hash.as_bytes(), successor.clone());
        Ok(())
    }

    fn revoke_grant(&mut self, _: &GrantId, _: Timestamp) -> Result<(), Infallible> {
        self.revoked = true;
        Ok(())
    }
}

/// What a process does next.
#[derive(Clone)]
enum Next {
    /// Read the file; refresh when the access token is about to end.
    Look,
    /// Present what it read some time ago.
    Present(Secret),
    /// Write what it got, perhaps over something newer.
    Write(Secret),
}

/// The same sequence at every run (the constants of Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

fn grant(client: &Client) -> Grant {
    Grant {
        id: GrantId::generate(),
        user_id: Some(UserId::generate()),
        client_id: client.id.clone(),
        resource: ResourceId::from_config("https://h.example/mcp").expect("a resource"),
        scope: "a".parse().expect("a scope"),
        created_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(3 * END),
        revoked_at: None,
        auth_method: None,
        status_index: None,
        remembered_from: None,
        name: None,
    }
}

/// Runs the thirty days; returns how many rotations and repeated answers there were.
fn run(seed: u64) -> (usize, usize) {
    let client = Client::new(ClientId::new("c"), Registration::Dynamic, Timestamp::from_unix(0));
    let (grant, idle) = (grant(&client), Duration::from_secs(30 * 24 * 3_600));
    let mut dice = Dice(seed);
    let mut stored = Stored::default();
    let mut file = Secret::generate(Kind::RefreshToken);
    let mut file_is_good_until = 0;
    let first = RefreshToken::unspent(&file, &grant, idle, Timestamp::from_unix(0));
    stored.tokens.insert(*first.hash.as_bytes(), first);
    let mut processes: Vec<(i64, Next)> = (0..PROCESSES).map(|_| (dice.below(60), Next::Look)).collect();
    let (mut rotations, mut repeated) = (0, 0);
    while let Some((at, next)) = processes.iter_mut().min_by_key(|(at, _)| *at).filter(|(at, _)| *at < END) {
        let now = *at;
        match next.clone() {
            Next::Look if now < file_is_good_until => *at = file_is_good_until + dice.below(10),
            // Read now, presented within the window of a late sibling.
            Next::Look => (*at, *next) = (now + dice.below(100), Next::Present(file.clone())),
            Next::Present(token) => {
                let new_token = Secret::generate(Kind::RefreshToken);
                let Ok(found) = Presented::find(&mut stored, token.clone());
                let (found, now_stamp) = (found.expect("it is ours"), Timestamp::from_unix(now));
                let rotation = found.judge(&grant, &client, WINDOWS, now_stamp).expect("the grant lives");
                let Ok(answer) = found.carry_out(rotation, &mut stored, &grant, &new_token, idle, now_stamp);
                let answer = answer.unwrap_or_else(|refusal| panic!("signed out after {now} seconds: {refusal}"));
                if answer.hash() == new_token.hash() {
                    rotations += 1
                } else {
                    repeated += 1
                }
                (*at, *next) = match dice.below(10) {
                    // The answer is lost; it tries again soon, or after a sleep that the windows allow.
                    0 => (now + dice.below(60), Next::Present(token)),
                    1 => (now + dice.below(150), Next::Look),
                    _ => (now + dice.below(50), Next::Write(answer)),
                };
            }
            Next::Write(answer) => {
                (file, file_is_good_until) = (answer, now + ACCESS_TOKEN);
                // On to work, or to sleep for up to a weekend.
                let rest = if dice.below(20) == 0 { 60 * 3_600 } else { 600 };
                (*at, *next) = (now + dice.below(rest), Next::Look);
            }
        }
    }
    assert!(!stored.revoked);
    assert_eq!(stored.tokens.values().filter(|token| token.spent_at.is_none()).count(), 1);
    (rotations, repeated)
}

/// Somebody who rotates all the time must not be able to make the walk of their first token as long as they want.
#[test]
fn the_walk_to_the_head_has_an_end() {
    let client = Client::new(ClientId::new("c"), Registration::Dynamic, Timestamp::from_unix(0));
    let (grant, idle, now) = (grant(&client), Duration::from_secs(3_600), Timestamp::from_unix(0));
    for (rotations, reached) in [(LONGEST_WALK, true), (LONGEST_WALK + 1, false)] {
        let mut stored = Stored::default();
        let first = Secret::generate(Kind::RefreshToken);
        let row = RefreshToken::unspent(&first, &grant, idle, now);
        stored.tokens.insert(*row.hash.as_bytes(), row);
        let mut present = |token: &Secret| {
            let Ok(found) = Presented::find(&mut stored, token.clone());
            let found = found.expect("it is ours");
            let rotation = found.judge(&grant, &client, WINDOWS, now).expect("the grant lives");
            let new_token = Secret::generate(Kind::RefreshToken);
            let Ok(answer) = found.carry_out(rotation, &mut stored, &grant, &new_token, idle, now);
            answer
        };
        let mut head = first.clone();
        for _ in 0..rotations {
            head = present(&head).expect("the head rotates");
        }
        let late = present(&first);
        assert_eq!(late.is_ok_and(|token| token.hash() == head.hash()), reached, "{rotations} rotations");
    }
}

#[test]
fn eight_processes_that_share_a_file_for_thirty_days_never_sign_in_again() {
    for seed in 0..20 {
        let (rotations, repeated) = run(seed);
        assert!(rotations > 300 && repeated > 300, "{rotations} rotations, {repeated} repeated answers");
    }
}
