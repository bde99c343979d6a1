//! Secrets in configuration: the value itself, or the file that holds it (`key` and `key_file`). Never both, never shown.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::Problems;

/// Where container runtimes mount secrets: they choose the mode of the files, and nobody else is in the container.
const CONTAINER_SECRETS: &str = "/run/secrets";

/// The secret named `key`, from its value or from its file. `None` when neither is given, or with a problem noted.
pub fn secret(
    value: Option<SecretString>,
    file: Option<PathBuf>,
    key: &str,
    problems: &mut Problems,
) -> Option<SecretString> {
    match (value, file) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            problems.add(key, format!("{key} and {key}_file are both set"), "remove one of the two");
            None
        }
        (Some(value), None) => not_empty(value, key, problems),
        (None, Some(path)) => {
            let key = format!("{key}_file");
            let value = read(&path, &key, problems)?;
            not_empty(value, &key, problems)
        }
    }
}

fn read(path: &Path, key: &str, problems: &mut Problems) -> Option<SecretString> {
    if let Some(mode) = mode_for_others(path) {
        problems.add(
            key,
            format!("{} can be read by other users (mode {mode:03o})", path.display()),
            format!("run: chmod 600 {}", path.display()),
        );
        return None;
    }
    match fs::read_to_string(path) {
        // Editors and `echo` end a file with a newline that is not part of the secret.
        Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']))),
        Err(error) => {
            problems.add(
                key,
                format!("{} cannot be read: {error}", path.display()),
                "check the path, and that the user this process runs as may read the file",
            );
            None
        }
    }
}

fn not_empty(value: SecretString, key: &str, problems: &mut Problems) -> Option<SecretString> {
    if value.expose_secret().is_empty() {
        problems.add(key, "the secret is empty", "put the secret there, or remove the key");
        return None;
    }
    Some(value)
}

/// The mode of the file, when group or others may read or write it.
#[cfg(unix)]
fn mode_for_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    if path.starts_with(CONTAINER_SECRETS) {
        return None;
    }
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn mode_for_others(path: &Path) -> Option<u32> {
    let _ = path.starts_with(CONTAINER_SECRETS);
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        (dir, path)
    }

    fn get(value: Option<&str>, path: Option<PathBuf>) -> Result<Option<String>, String> {
        let mut problems = Problems::default();
        let got = secret(value.map(SecretString::from), path, "database.url", &mut problems);
        let got = got.map(|secret| secret.expose_secret().to_owned());
        if problems.is_empty() { Ok(got) } else { Err(problems.to_string()) }
    }

    #[test]
    fn a_secret_comes_from_its_value_or_its_private_file() {
        assert_eq!(get(None, None), Ok(None));
        assert_eq!(get(Some("s3cret"), None), Ok(Some("s3cret".into())));
        let (_dir, path) = file("s3cret \r\n", 0o600);
        assert_eq!(get(None, Some(path)), Ok(Some("s3cret ".into())), "only the end of the line is cut");
    }

    #[test]
    fn every_way_to_get_it_wrong_names_the_key_and_the_fix_and_not_the_secret() {
        let (_dir, path) = file("s3cret", 0o644);
        let (_other, empty) = file("\n", 0o400);
        let cases = [
            (get(Some("s3cret"), Some(path.clone())), "database.url and database.url_file are both set"),
            (get(None, Some(path.clone())), "can be read by other users (mode 644)"),
            (get(None, Some(path.clone())), "hint: run: chmod 600 "),
            (get(None, Some("/nonexistent/secret".into())), "database.url_file: /nonexistent/secret cannot be read"),
            (get(None, Some(empty)), "database.url_file: the secret is empty"),
            (get(Some(""), None), "database.url: the secret is empty"),
        ];
        for (got, expected) in cases {
            let says = got.expect_err("a problem");
            assert!(says.contains(expected), "{says}");
            assert!(!says.contains("s3cret"), "{says}");
        }
    }
}
