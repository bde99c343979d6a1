//! So many at once, in all and for each holder: counted when one comes, given back when it is dropped.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Places that are handed out; shared by all workers.
#[derive(Debug)]
pub struct Places<K> {
    total: usize,
    per_holder: usize,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    total: usize,
    by_holder: HashMap<K, usize>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    holder: Option<K>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// This holder has as many as one may have.
    Holder,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// All free.
    pub fn new(total: usize, per_holder: usize) -> Self {
        Self { total, per_holder, taken: Mutex::new(Taken { total: 0, by_holder: HashMap::new() }) }
    }

    /// Takes one. Without a holder only the total counts.
    pub fn take(self: &Arc<Self>, holder: Option<K>) -> Result<Place<K>, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.total {
            return Err(Full::All);
        }
        if let Some(holder) = &holder {
            let held = taken.by_holder.entry(holder.clone()).or_default();
            if *held >= self.per_holder {
                return Err(Full::Holder);
            }
            *held += 1;
        }
        taken.total += 1;
        Ok(Place { places: Arc::clone(self), holder })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        let Some(holder) = self.holder.take() else { return };
        if let Entry::Occupied(mut held) = taken.by_holder.entry(holder) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                // Whoever is gone leaves nothing behind.
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_a_share_and_all_together_not_more_than_there_is() {
        let places = Arc::new(Places::new(3, 2));
        let first = places.take(Some("a")).expect("free");
        let second = places.take(Some("a")).expect("free");
        assert_eq!(places.take(Some("a")).err(), Some(Full::Holder));
        let third = places.take(Some("b")).expect("free");
        assert_eq!(places.take(Some("c")).err(), Some(Full::All));
        drop((first, third));
        let other = places.take(Some("a")).expect("given back");
        let unnamed = places.take(None).expect("given back");
        assert_eq!(places.take(None).err(), Some(Full::All));
        drop((second, other, unnamed));
        let taken = places.taken.lock().expect("unpoisoned");
        assert_eq!((taken.total, taken.by_holder.len()), (0, 0), "nothing is remembered of those who left");
    }
}
