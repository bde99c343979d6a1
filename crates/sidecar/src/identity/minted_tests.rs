//! What HTTP tests cannot show without waiting: how long a credential, a no and a failure are believed.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::advance;

use super::*;

const LONGEST: Duration = Duration::from_secs(300);

struct Minter {
    minted: Arc<Minted>,
    asked: Arc<AtomicUsize>,
}

impl Minter {
    fn new() -> Self {
        Self { minted: Arc::new(Minted::new(LONGEST)), asked: Arc::default() }
    }

    /// What a request gets when the other side would answer so.
    async fn get(&self, answer: Result<Option<u64>, Fault>) -> Result<HeaderValue, Fault> {
        let asked = Arc::clone(&self.asked);
        let ask = || {
            Ok(async move {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                let value = HeaderValue::from(number);
                answer.map(|seconds| Credential { value, expires_in: seconds.map(Duration::from_secs) })
            })
        };
        self.minted.get([0; 32], ask).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_for_as_long_as_it_is_good_and_no_longer() {
    for (answer, good_for) in [
        (Ok(Some(100)), 90),
        (Ok(Some(100_000)), 300),
        (Ok(Some(u64::MAX)), 300),
        (Ok(None), 300),
        (Err(Fault::NoCredential), 5),
        (Err(Fault::CredentialUnavailable), 1),
    ] {
        let minter = Minter::new();
        let first = minter.get(answer).await;
        advance(Duration::from_secs(good_for) - Duration::from_millis(10)).await;
        assert_eq!(minter.get(Ok(None)).await, first, "{answer:?}");
        assert_eq!(minter.asked(), 1, "{answer:?}");
        advance(Duration::from_millis(20)).await;
        assert_eq!(minter.get(Ok(None)).await, Ok(HeaderValue::from(1)), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_good_for_no_time_is_used_once() {
    let minter = Minter::new();
    for number in 0..3_usize {
        assert_eq!(minter.get(Ok(Some(0))).await, Ok(HeaderValue::from(number)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_replaced_but_not_again_and_again() {
    let minter = Minter::new();
    minter.get(Ok(None)).await.expect("a credential");
    advance(AT_LEAST).await;
    for _ in 0..100 {
        minter.minted.rejected(&[0; 32]);
        minter.get(Ok(None)).await.expect("a credential");
    }
    assert_eq!(minter.asked(), 2);
    advance(AT_LEAST).await;
    minter.minted.rejected(&[1; 32]);
    minter.get(Ok(None)).await.expect("a credential");
    assert_eq!(minter.asked(), 2, "somebody else's was refused");
    minter.minted.rejected(&[0; 32]);
    minter.get(Ok(None)).await.expect("a credential");
    assert_eq!(minter.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn strangers_push_no_more_out_than_there_is_room_for() {
    let minter = Minter::new();
    for number in 0..3 * KEPT {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        let ask = || Ok(async { Ok(Credential { value: HeaderValue::from_static("x"), expires_in: None }) });
        minter.minted.get(key, ask).await.expect("a credential");
    }
    assert!(minter.minted.held.len() <= KEPT, "{}", minter.minted.held.len());
}
