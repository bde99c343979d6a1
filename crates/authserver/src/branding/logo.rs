//! The operator's logo: PNG, WebP or SVG, told by its content, since the type that is answered must be the right one.

use std::fmt;
use std::path::Path;

use gatelodge_service::config::Problems;

use super::read_at_most;

/// The largest logo, in bytes: every page loads it.
const MAX_LOGO: u64 = 512 * 1024;

/// A logo, ready to be answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// The file.
    pub bytes: Vec<u8>,
    /// The name of the asset.
    pub name: &'static str,
    /// `Content-Type`.
    pub content_type: &'static str,
}

impl Logo {
    /// Reads the file; notes when it cannot be used.
    pub fn read(path: &Path, problems: &mut Problems) -> Option<Self> {
        let read = read_at_most(path, MAX_LOGO).and_then(|bytes| {
            Self::from_bytes(bytes).ok_or_else(|| "is neither a PNG, a WebP nor an SVG image".to_owned())
        });
        read.inspect_err(|says| {
            let hint = "name a square PNG, WebP or SVG image of up to 512 KiB";
            problems.add("branding.logo_file", format!("{}: {says}", path.display()), hint);
        })
        .ok()
    }

    fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        let (name, content_type) = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => ("logo.png", "image/png"),
            _ if is_webp => ("logo.webp", "image/webp"),
            _ if is_svg(&bytes) => ("logo.svg", "image/svg+xml"),
            _ => return None,
        };
        Some(Self { bytes, name, content_type })
    }
}

/// Whether the first element is `svg`, after what XML allows before it.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    for (begin, end) in [("<?xml", "?>"), ("<!--", "-->"), ("<!DOCTYPE svg", ">"), ("<!--", "-->")] {
        if rest.starts_with(begin) {
            rest = rest.split_once(end).map_or("", |(_, after)| after).trim_start();
        }
    }
    rest.strip_prefix("<svg").is_some_and(|rest| rest.starts_with([' ', '\n', '\r', '\t', '>']))
}

/// Without the bytes.
impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.name, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_told_by_the_content() {
        for (bytes, name) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some("logo.png")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("logo.webp")),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Some("logo.svg")),
            (b"<?xml version=\"1.0\"?>\n<!-- x -->\n<svg>\n</svg>", Some("logo.svg")),
            (b"<html><svg></svg></html>", None),
            (b"<svgx>", None),
            (b"GIF89a", None),
            (b"RIFF\0\0\0\0AVI ", None),
            (b"\xff\xd8\xff", None),
            (b"", None),
        ] {
            assert_eq!(Logo::from_bytes(bytes.to_vec()).map(|logo| logo.name), name);
        }
    }
}
