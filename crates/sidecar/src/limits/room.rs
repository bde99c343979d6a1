//! How many bytes may be held at once by what is read whole: the bodies of requests, and the lists of MCP servers.
//!
//! What is small is not counted: a few large ones that fill the room keep no ordinary call away. Counted is what has arrived and
//! not what was announced, so that nobody holds room without having sent as much. Of the room for bodies nobody has more than a
//! share, so that one user cannot keep all others away; and all strangers together no more than half.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Full;
use crate::caller::Holder;

/// As long as a call or a list usually is, and more.
pub const SMALL: usize = 64 * 1024;

/// Room for so many bytes; shared by all workers.
#[derive(Debug)]
pub struct Room {
    left: AtomicUsize,
    /// How much of it one holder may have.
    share: usize,
    /// How much all strangers may have, who may come from many addresses.
    share_of_strangers: usize,
    held: Mutex<Shares>,
}

/// What each has. Only those that hold something large are there.
#[derive(Debug, Default)]
struct Shares {
    by_holder: HashMap<Holder, usize>,
    of_strangers: usize,
}

/// How many of so many bytes of this holder are a stranger's.
fn of_stranger(holder: &Holder, bytes: usize) -> usize {
    if matches!(holder, Holder::Stranger(_)) { bytes } else { 0 }
}

/// A part of it, until it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    holder: Option<Holder>,
    counted: usize,
}

impl Room {
    /// All of it free, for whoever comes.
    pub fn new(bytes: usize) -> Self {
        Self::in_shares(bytes, bytes)
    }

    /// All of it free, and nobody may have more than a share.
    pub fn in_shares(bytes: usize, share: usize) -> Self {
        let share_of_strangers = share.max(bytes / 2);
        Self { left: AtomicUsize::new(bytes), share, share_of_strangers, held: Mutex::default() }
    }

    /// So many more for this holder.
    fn take(&self, holder: Option<&Holder>, more: usize) -> Result<(), Full> {
        let Some(holder) = holder else { return self.take_unnamed(more) };
        let mut held = self.lock();
        let has = held.by_holder.get(holder).copied().unwrap_or_default();
        let of_strangers = held.of_strangers + of_stranger(holder, more);
        if has + more > self.share || of_strangers > self.share_of_strangers {
            return Err(Full::Holder);
        }
        self.take_unnamed(more)?;
        held.by_holder.insert(holder.clone(), has + more);
        held.of_strangers = of_strangers;
        Ok(())
    }

    fn take_unnamed(&self, more: usize) -> Result<(), Full> {
        let less = |left: usize| left.checked_sub(more);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map(drop).map_err(|_| Full::All)
    }

    fn give_back(&self, holder: Option<&Holder>, less: usize) {
        self.left.fetch_add(less, Ordering::Relaxed);
        let Some(holder) = holder else { return };
        let mut held = self.lock();
        held.of_strangers -= of_stranger(holder, less);
        if let Some(has) = held.by_holder.get_mut(holder) {
            *has -= less;
            if *has == 0 {
                held.by_holder.remove(holder);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Nothing yet.
    pub fn of(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), holder: None, counted: 0 }
    }

    /// So many bytes are held now, by somebody who has a share. Who it is, is asked only where it counts.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub fn set_for(&mut self, holder: impl FnOnce() -> Holder, length: usize) -> Result<(), Full> {
        if self.holder.is_none() && length > SMALL {
            self.holder = Some(holder());
        }
        self.set(length)
    }

    /// So many bytes are held now.
    ///
    /// # Errors
    /// There is no room for them; as many are counted as before.
    pub fn set(&mut self, length: usize) -> Result<(), Full> {
        let wanted = if length <= SMALL { 0 } else { length };
        if let Some(more) = wanted.checked_sub(self.counted) {
            if more > 0 {
                self.room.take(self.holder.as_ref(), more)?;
            }
        } else {
            self.room.give_back(self.holder.as_ref(), self.counted - wanted);
        }
        self.counted = wanted;
        Ok(())
    }

    /// The same bytes, which hold their room until the last that shares them is gone.
    pub fn with(self, bytes: Bytes) -> Bytes {
        if self.counted == 0 { bytes } else { Bytes::from_owner(Owner { bytes, _held: self }) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.counted > 0 {
            self.room.give_back(self.holder.as_ref(), self.counted);
        }
    }
}

struct Owner {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_keys::ApiKey;
    use crate::caller::Caller;

    fn named(name: &str) -> Caller {
        let scope = "mcp:use".parse().expect("a scope");
        Caller::Key(Arc::new(ApiKey::mapped(name.into(), name.into(), scope, [0; 32])))
    }

    #[test]
    fn no_more_is_held_than_there_is_room_and_what_is_small_always_has_some() {
        let room = Arc::new(Room::new(300_000));
        let (mut first, mut second, mut third) = (Held::of(&room), Held::of(&room), Held::of(&room));
        assert_eq!((first.set(100_000), first.set(200_000), second.set(100_000)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((first.set(200_001), third.set(SMALL + 1)), (Err(Full::All), Err(Full::All)));
        assert_eq!(third.set(SMALL), Ok(()), "small");
        assert_eq!((first.set(100_000), third.set(100_000)), (Ok(()), Ok(())), "given back");
        let shared = second.with(Bytes::from(vec![0; 100_000]));
        let other = shared.slice(5..);
        drop((first, third, shared));
        assert_eq!(Held::of(&room).set(200_001), Err(Full::All), "a part of it is still there");
        drop(other);
        assert_eq!(Held::of(&room).set(300_000), Ok(()));
        assert_eq!(room.left.load(Ordering::Relaxed), 300_000);
    }
    #[test]
    fn nobody_has_more_than_a_share_of_what_is_large() {
        let room = Arc::new(Room::in_shares(300_000, 100_000));
        let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| Held::of(&room));
        let known = |name: &'static str| move || Holder::Known(named(name));
        let (ada, bob) = (known("ada"), known("bob"));
        assert_eq!(first.set_for(ada, 70_000), Ok(()));
        assert_eq!(second.set_for(ada, 70_000), Err(Full::Holder));
        assert_eq!(second.set_for(ada, SMALL), Ok(()), "small");
        assert_eq!(third.set_for(bob, 100_000), Ok(()), "others have theirs");
        assert_eq!(fourth.set(130_001), Err(Full::All), "and all together no more than there is");
        assert_eq!(first.set_for(ada, 100_000), Ok(()), "as it grows, to the last byte");
        assert_eq!(first.set_for(ada, 100_001), Err(Full::Holder));
        let bytes = first.with(Bytes::from(vec![0; 100_000]));
        assert_eq!(second.set_for(ada, 70_000), Err(Full::Holder), "it is still there");
        drop(bytes);
        assert_eq!(second.set_for(ada, 70_000), Ok(()));
        drop((second, third, fourth));
        assert_eq!(
            (room.left.load(Ordering::Relaxed), room.lock().by_holder.len()),
            (300_000, 0),
            "nothing is remembered"
        );
    }

    /// Proves RFC 6819 §4.4.1.11: whoever comes from many addresses keeps nobody away who has a token.
    #[test]
    fn strangers_have_no_more_than_half_of_it_together() {
        let room = Arc::new(Room::in_shares(400_000, 100_000));
        let stranger = |last: u8| move || Holder::Stranger(Some([192, 0, 2, last].into()));
        let [mut first, mut second, mut third, mut of_ada] = [(); 4].map(|()| Held::of(&room));
        assert_eq!(first.set_for(stranger(1), 100_000), Ok(()));
        assert_eq!(second.set_for(stranger(2), 100_000), Ok(()));
        assert_eq!(third.set_for(stranger(3), 70_000), Err(Full::Holder));
        assert_eq!(of_ada.set_for(|| Holder::Known(named("ada")), 100_000), Ok(()));
        drop(first);
        assert_eq!(third.set_for(stranger(3), 70_000), Ok(()));
        drop((second, third, of_ada));
        assert_eq!((room.left.load(Ordering::Relaxed), room.lock().of_strangers), (400_000, 0));
    }
}
