//! The chunked transfer coding, RFC 9112 §7.1: read strictly, line ends included. Extensions and trailers are dropped, as a
//! recipient may (§7.1.1, §7.1.2).

use bytes::{Buf as _, Bytes, BytesMut};

use super::Failure;

/// A size line, or all trailers, longer than this nobody sends.
const LONGEST_LINE: usize = 4 * 1024;
const LONGEST_TRAILERS: usize = 16 * 1024;

/// Sixteen hexadecimal digits would be more than any body has.
const MOST_DIGITS: usize = 15;

/// Where the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    /// Before a size.
    Size,
    /// So many bytes of this chunk are left.
    Data(u64),
    /// After the bytes of a chunk.
    DataEnd,
    /// After the last chunk; so many bytes of trailers have passed.
    Trailers(usize),
    /// After everything.
    End,
}

impl Chunked {
    /// Takes the next bytes of the body; `None` while more must arrive, or at the end.
    pub fn next(&mut self, read: &mut BytesMut) -> Result<Option<Bytes>, Failure> {
        loop {
            match *self {
                Chunked::Size => {
                    let Some(line) = line(read, LONGEST_LINE)? else { return Ok(None) };
                    *self = match size(&line)? {
                        0 => Chunked::Trailers(0),
                        size => Chunked::Data(size),
                    };
                }
                Chunked::Data(left) => {
                    if read.is_empty() {
                        return Ok(None);
                    }
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(read.len());
                    let left = left - here as u64;
                    *self = if left == 0 { Chunked::DataEnd } else { Chunked::Data(left) };
                    return Ok(Some(read.split_to(here).freeze()));
                }
                Chunked::DataEnd => {
                    if read.len() < 2 {
                        return Ok(None);
                    }
                    if &read[..2] != b"\r\n" {
                        return Err(Failure::Malformed("a chunk is longer than it says"));
                    }
                    read.advance(2);
                    *self = Chunked::Size;
                }
                Chunked::Trailers(passed) => {
                    let Some(line) = line(read, LONGEST_LINE)? else { return Ok(None) };
                    let passed = passed + line.len() + 2;
                    if passed > LONGEST_TRAILERS {
                        return Err(Failure::Malformed("its trailers have no end"));
                    }
                    *self = if line.is_empty() { Chunked::End } else { Chunked::Trailers(passed) };
                }
                Chunked::End => return Ok(None),
            }
        }
    }
}

/// One line without its CR LF; `None` while it is not whole.
fn line(read: &mut BytesMut, longest: usize) -> Result<Option<BytesMut>, Failure> {
    let Some(end) = read.iter().position(|byte| *byte == b'\n') else {
        return if read.len() > longest { Err(Failure::Malformed("a line has no end")) } else { Ok(None) };
    };
    if end == 0 || read[end - 1] != b'\r' || end > longest {
        return Err(Failure::Malformed("a line of the chunked coding does not end in CR LF"));
    }
    let mut line = read.split_to(end + 1);
    line.truncate(end - 1);
    Ok(Some(line))
}

/// `chunk-size [ chunk-ext ]`.
fn size(line: &[u8]) -> Result<u64, Failure> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let rest = line[digits..].trim_ascii_start();
    let is_size = (1..=MOST_DIGITS).contains(&digits) && (rest.is_empty() || rest.starts_with(b";"));
    let text = std::str::from_utf8(&line[..digits]).ok().filter(|_| is_size);
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(Failure::Malformed("a chunk has no size"))
}
