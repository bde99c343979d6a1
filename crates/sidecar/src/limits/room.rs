//! How many bytes may be held at once by what is read whole: the bodies of requests, and the lists of MCP servers.
//!
//! What is small is not counted: a few large ones that fill the room keep no ordinary call away. Counted is what has arrived and
//! not what was announced, so that nobody holds room without having sent as much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// As long as a call or a list usually is, and more.
const UNCOUNTED: usize = 64 * 1024;

/// Room for so many bytes; shared by all workers.
#[derive(Debug)]
pub struct Room {
    left: AtomicUsize,
}

/// A part of it, until it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    counted: usize,
}

/// There is none left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as much is held as may be")]
pub struct NoRoom;

impl Room {
    /// All of it free.
    pub fn new(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }
}

impl Held {
    /// Nothing yet.
    pub fn of(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), counted: 0 }
    }

    /// So many bytes are held now.
    ///
    /// # Errors
    /// There is no room for them; as many are counted as before.
    pub fn set(&mut self, length: usize) -> Result<(), NoRoom> {
        let wanted = if length <= UNCOUNTED { 0 } else { length };
        if let Some(more) = wanted.checked_sub(self.counted) {
            let less = |left: usize| left.checked_sub(more);
            self.room.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map_err(|_| NoRoom)?;
        } else {
            self.room.left.fetch_add(self.counted - wanted, Ordering::Relaxed);
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
        self.room.left.fetch_add(self.counted, Ordering::Relaxed);
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
        assert_eq!((first.set(200_001), third.set(UNCOUNTED + 1)), (Err(NoRoom), Err(NoRoom)));
        assert_eq!(third.set(UNCOUNTED), Ok(()), "small");
        assert_eq!((first.set(100_000), third.set(100_000)), (Ok(()), Ok(())), "given back");
        let shared = second.with(Bytes::from(vec![0; 100_000]));
        let other = shared.slice(5..);
        drop((first, third, shared));
        assert_eq!(Held::of(&room).set(200_001), Err(NoRoom), "a part of it is still there");
        drop(other);
        assert_eq!(Held::of(&room).set(300_000), Ok(()));
        assert_eq!(room.left.load(Ordering::Relaxed), 300_000);
    }
}
