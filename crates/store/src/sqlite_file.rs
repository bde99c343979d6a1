//! The file of a SQLite database: private to its owner, and served by one server process. Called once, when the store opens.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Makes the directory and the empty file when they are missing. An existing file is not even opened: closing it would drop
/// the locks that SQLite holds on it elsewhere in this process (POSIX locks belong to the process, not to the descriptor).
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    if let Some(directory) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| cannot("create", directory, &error))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cannot("create", path, &error)),
    }
}

/// Locks `<path>.lock` until the returned file is dropped; the system releases it too when the process dies.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(|error| cannot("open", &name, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(cannot("lock", &name, &error)),
    }
}

fn cannot(act: &str, path: &Path, error: &Error) -> StoreError {
    StoreError::Unavailable(format!("cannot {act} {}: {error}", path.display()))
}
