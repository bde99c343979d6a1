//! How many bytes may be held at once by what is read whole: the bodies of requests, and the lists of MCP servers.
//!
//! What is small is not counted: a few large ones that fill the room keep no ordinary call away. Counted is what has arrived and
//! not what was announced, so that nobody holds room without having sent as much. Of the room for bodies nobody has more than a
//! share, so that one user cannot keep all others away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Full;
use crate::caller::Holder;

/// As long as a call or a list usually is, and more.
const UNCOUNTED: usize = 64 * 1024;

/// Room for so many bytes; shared by all workers.
#[derive(Debug)]
pub struct Room {
    left: AtomicUsize,
    /// How much of it one holder may have.
    share: usize,
    /// What each has. Only those that hold something large are there.
    by_holder: Mutex<HashMap<Holder, usize>>,
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
        Self { left: AtomicUsize::new(bytes), share, by_holder: Mutex::default() }
    }

    /// So many more for this holder.
    fn take(&self, holder: Option<&Holder>, more: usize) -> Result<(), Full> {
        let Some(holder) = holder else { return self.take_unnamed(more) };
        let mut by_holder = self.lock();
        let has = by_holder.get(holder).copied().unwrap_or_default();
        if has + more > self.share {
            return Err(Full::Holder);
        }
        self.take_unnamed(more)?;
        by_holder.insert(holder.clone(), has + more);
        Ok(())
    }

    fn take_unnamed(&self, more: usize) -> Result<(), Full> {
        let less = |left: usize| left.checked_sub(more);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map(drop).map_err(|_| Full::All)
    }

    fn give_back(&self, holder: Option<&Holder>, less: usize) {
        self.left.fetch_add(less, Ordering::Relaxed);
        let Some(holder) = holder else { return };
        let mut by_holder = self.lock();
        if let Some(has) = by_holder.get_mut(holder) {
            *has -= less;
            if *has == 0 {
                by_holder.remove(holder);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Holder, usize>> {
        self.by_holder.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.holder.is_none() && length > UNCOUNTED {
            self.holder = Some(holder());
        }
        self.set(length)
    }

    /// So many bytes are held now.
    ///
    /// # Errors
    /// There is no room for them; as many are counted as before.
    pub fn set(&mut self, length: usize) -> Result<(), Full> {
        let wanted = if length <= UNCOUNTED { 0 } else { length };
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

    #[test]
    fn no_more_is_held_than_there_is_room_and_what_is_small_always_has_some() {
        let room = Arc::new(Room::new(300_000));
        let (mut first, mut second, mut third) = (Held::of(&room), Held::of(&room), Held::of(&room));
        assert_eq!((first.set(100_000), first.set(200_000), second.set(100_000)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((first.set(200_001), third.set(UNCOUNTED + 1)), (Err(Full::All), Err(Full::All)));
        assert_eq!(third.set(UNCOUNTED), Ok(()), "small");
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
        let holder = |last: u8| move || Holder::Stranger(Some([192, 0, 2, last].into()));
        let (ada, bob) = (holder(1), holder(2));
        assert_eq!(first.set_for(ada, 70_000), Ok(()));
        assert_eq!(second.set_for(ada, 70_000), Err(Full::Holder));
        assert_eq!(second.set_for(ada, UNCOUNTED), Ok(()), "small");
        assert_eq!(third.set_for(bob, 100_000), Ok(()), "others have theirs");
        assert_eq!(fourth.set(130_001), Err(Full::All), "and all together no more than there is");
        assert_eq!(first.set_for(ada, 100_000), Ok(()), "as it grows, to the last byte");
        assert_eq!(first.set_for(ada, 100_001), Err(Full::Holder));
        let bytes = first.with(Bytes::from(vec![0; 100_000]));
        assert_eq!(second.set_for(ada, 70_000), Err(Full::Holder), "it is still there");
        drop(bytes);
        assert_eq!(second.set_for(ada, 70_000), Ok(()));
        drop((second, third, fourth));
        assert_eq!((room.left.load(Ordering::Relaxed), room.lock().len()), (300_000, 0), "nothing is remembered");
    }
}
