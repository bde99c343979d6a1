//! How much is fetched at a time: each URL once, a few from each host, a bounded number in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Things shared by those who hold them, and forgotten with the last holder.
#[derive(Debug)]
pub struct Shared<K, V>(Arc<Mutex<HashMap<K, Arc<V>>>>);

/// One holder's part.
#[derive(Debug)]
pub struct Held<K: Eq + Hash, V> {
    all: Arc<Mutex<HashMap<K, Arc<V>>>>,
    key: K,
    value: Arc<V>,
}

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash, V> Shared<K, V> {
    /// What the others hold under this key, or a new one.
    pub fn hold(&self, key: K, new: impl FnOnce() -> V) -> Held<K, V> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = all.entry(key.clone()).or_insert_with(|| Arc::new(new())).clone();
        Held { all: self.0.clone(), key, value }
    }
}

impl<K: Eq + Hash, V> Held<K, V> {
    /// What is held.
    pub fn value(&self) -> &Arc<V> {
        &self.value
    }
}

impl<K: Eq + Hash, V> Drop for Held<K, V> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        // The map has one, this holder another one. New ones are made under the same lock only.
        if Arc::strong_count(&self.value) == 2 {
            all.remove(&self.key);
        }
    }
}

/// What is fetched, as which media type, and how much of it.
type Asked = (String, &'static str, usize);

/// Fetches of the same that go on together: the first one fetches, the others wait for what it got.
pub type Flights<T> = Shared<Asked, OnceCell<T>>;

/// A place among those that fetch.
#[derive(Debug)]
pub struct Slot {
    _in_all: OwnedSemaphorePermit,
    // Given back before the host is forgotten: fields are dropped in this order.
    _at_host: OwnedSemaphorePermit,
    _host: Held<String, Semaphore>,
}

/// Hands out places.
#[derive(Debug)]
pub struct Slots {
    all: Arc<Semaphore>,
    hosts: Shared<String, Semaphore>,
    per_host: usize,
}

impl Slots {
    /// So many in all, and so many for each host.
    pub fn new(in_all: usize, per_host: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(in_all)), hosts: Shared::default(), per_host }
    }

    /// Waits for a place. First at the host: whoever waits for a slow host takes no place from the others.
    pub async fn take(&self, host: &str) -> Option<Slot> {
        let host = self.hosts.hold(host.to_owned(), || Semaphore::new(self.per_host));
        let at_host = host.value().clone().acquire_owned().await.ok()?;
        let in_all = self.all.clone().acquire_owned().await.ok()?;
        Some(Slot { _in_all: in_all, _at_host: at_host, _host: host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let shared: Shared<&str, u8> = Shared::default();
        let first = shared.hold("a", || 1);
        let second = shared.hold("a", || 2);
        assert_eq!((**first.value(), **second.value()), (1, 1));
        drop(first);
        assert_eq!(**shared.hold("a", || 3).value(), 1);
        drop(second);
        assert!(shared.0.lock().expect("a map").is_empty());
        assert_eq!(**shared.hold("a", || 4).value(), 4);
    }

    #[actix_web::test]
    async fn a_slow_host_takes_no_place_from_the_others() {
        let slots = Slots::new(3, 2);
        let held = (slots.take("slow").await, slots.take("slow").await);
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, slots.take("slow")).await;
        assert!(waiting.is_err(), "a third place at one host");
        let other = slots.take("other").await;
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, slots.take("a fourth one")).await;
        assert!(waiting.is_err(), "a fourth place in all");
        drop((held, other));
        assert!(slots.take("slow").await.is_some());
        assert!(slots.hosts.0.lock().expect("a map").is_empty());
    }
}
