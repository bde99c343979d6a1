//! An answer that may be a list and is no stream, read whole. Called by `forward.rs`.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::Stream;

use super::{MAX_SIZE, Unrewritable};
use crate::limits::Held;

/// Why there is nothing to rewrite.
#[derive(Debug, thiserror::Error)]
pub enum Unread<E> {
    /// The MCP server broke it.
    #[error(transparent)]
    Upstream(E),
    /// It cannot be held.
    #[error(transparent)]
    Unrewritable(#[from] Unrewritable),
}

/// Reads it. Its bytes hold their room until they are gone.
///
/// # Errors
/// It breaks off, is too large, or finds no room.
pub async fn read_whole<E>(
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    mut held: Held,
) -> Result<Bytes, Unread<E>> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(Unread::Upstream)?;
        if whole.len() + part.len() > MAX_SIZE {
            return Err(Unrewritable::TooLarge.into());
        }
        held.set(whole.len() + part.len()).map_err(|_| Unrewritable::NoRoom)?;
        whole.extend_from_slice(&part);
    }
    Ok(held.with(whole.freeze()))
}
