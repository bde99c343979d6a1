//! The key that encrypts the private keys in the database: given, read from its file, or made with its file at the first
//! start. It is never made anew once the database holds something that only the old one opens.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::sealing::SealingKey;

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum EncryptionKey {
    /// From the configuration, or from a file that was there when it was read.
    Given(SealingKey),
    /// A file that was not there: it is made at the first start.
    File(PathBuf),
}

/// Why there is no key to encrypt with.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionKeyError {
    /// The file cannot be made or read.
    #[error("{}: {source}\n  hint: see that the directory exists and that this process may write there, or name another place in keys.encryption_key_file", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else wrote the file meanwhile.
    #[error("{} is not a key\n  hint: it must hold 32 bytes in base64; put the right file back", path.display())]
    NotAKey {
        /// Which.
        path: PathBuf,
    },
    /// Making a new one would throw the old keys away.
    #[error(
        "{} is missing, and the signing keys in the database are encrypted with the key it held\n  hint: put the file back from \
         the backup; if it is lost for good, delete the rows of the table signing_keys: every access token then ends at once, \
         and clients refresh",
        path.display()
    )]
    Missing {
        /// Which.
        path: PathBuf,
    },
}

impl EncryptionKey {
    /// The key. `in_use`: something in the database is encrypted already.
    pub fn obtain(&self, in_use: bool) -> Result<SealingKey, EncryptionKeyError> {
        let path = match self {
            Self::Given(key) => return Ok(key.clone()),
            Self::File(path) => path,
        };
        let failed = |source| EncryptionKeyError::File { path: path.clone(), source };
        if !path.exists() {
            if in_use {
                return Err(EncryptionKeyError::Missing { path: path.clone() });
            }
            make(path).map_err(failed)?;
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        SealingKey::from_base64(&text).ok_or_else(|| EncryptionKeyError::NotAKey { path: path.clone() })
    }

    /// For messages.
    pub fn whereabouts(&self) -> String {
        match self {
            Self::Given(_) => "the configured keys.encryption_key".into(),
            Self::File(path) => format!("the key in {}", path.display()),
        }
    }
}

/// Writes a new key beside the place and links it there: of several processes that do so at once one succeeds, the file is
/// never half written, and it is on the disk before anything is encrypted with it.
fn make(path: &Path) -> io::Result<()> {
    let key = SealingKey::generate().map_err(io::Error::other)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = directory.join(format!(".encryption-key-{}", gatelodge_oauth::secret::random_base62(22)));
    let linked = write_private(&draft, &key.to_base64()).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft).ok();
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            File::open(directory)?.sync_all()?;
            tracing::info!(file = %path.display(), "made the key that encrypts the signing keys: keep a copy apart from the database's");
            Ok(())
        }
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_first_starts_make_one_private_file_and_read_the_same_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db.key");
        let keys = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..10).map(|_| scope.spawn(|| EncryptionKey::File(path.clone()).obtain(false))).collect();
            starts.into_iter().map(|start| start.join().expect("no panic").expect("a key")).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let names: Vec<_> = fs::read_dir(directory.path()).expect("readable").collect();
        assert_eq!(names.len(), 1, "no draft is left: {names:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_in_use_is_never_made_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db.key");
        let missing = EncryptionKey::File(path.clone()).obtain(true).expect_err("it would lock the keys up");
        let says = missing.to_string();
        assert!(says.contains("x.db.key is missing") && says.contains("hint: put the file back"), "{says}");
        assert!(!path.exists());
        fs::write(&path, "not a key").expect("written");
        let says = EncryptionKey::File(path).obtain(false).expect_err("that is no key").to_string();
        assert!(says.contains("32 bytes in base64"), "{says}");
    }
}
