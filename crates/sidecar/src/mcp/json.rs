//! JSON (RFC 8259), read once from front to back without copying. `members.rs` and `message.rs` say what they want to see;
//! everything else is checked against the grammar and passed over.
//!
//! serde_json would do, but for three things that its interface does not give: a limit on depth also where values are
//! passed over, lone surrogates where nobody looks at them (JavaScript sends them), and the text of a value as it stands.
//! The few strings with escapes go to serde_json.

use std::borrow::Cow;

use super::Unreadable;

/// How deep arrays and objects may be nested. `Scanner::skip` remembers them in the bits of one `u64`.
pub const MAX_DEPTH: u32 = 64;

/// A place in a JSON text.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// A string as it stands in the text, between its quotation marks.
#[derive(Debug, Clone, Copy)]
struct Quoted {
    from: usize,
    to: usize,
    has_escapes: bool,
}

impl<'a> Scanner<'a> {
    /// At the start of a body, which is UTF-8 (RFC 8259 §8.1).
    pub fn new(body: &'a [u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotJson)?;
        Ok(Self { text, at: 0, depth: 0 })
    }

    /// The first byte of the next token. A byte order mark is no whitespace, and no token either.
    pub fn peek(&mut self) -> Result<u8, Unreadable> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(Unreadable::NotJson),
            }
        }
    }

    /// Nothing but whitespace may follow.
    pub fn end(&mut self) -> Result<(), Unreadable> {
        match self.peek() {
            Ok(_) => Err(Unreadable::NotJson),
            Err(_) => Ok(()),
        }
    }

    /// An object; `member` gets each name, and reads the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        self.open(b'{')?;
        if !self.took(b'}')? {
            loop {
                // A name that cannot be read may be anything to other parsers.
                let name = self.quoted()?;
                let name = self.unescape(name).ok_or(Unreadable::AmbiguousName)?;
                self.take(b':')?;
                member(self, name)?;
                if !self.took(b',')? {
                    break;
                }
            }
            self.take(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// An array; `element` reads each value.
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<(), Unreadable>) -> Result<(), Unreadable> {
        self.open(b'[')?;
        if !self.took(b']')? {
            loop {
                element(self)?;
                if !self.took(b',')? {
                    break;
                }
            }
            self.take(b']')?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// A string that something is decided on. Of a lone surrogate parsers make different things, and a NUL ends the string
    /// for some.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        if self.peek()? != b'"' {
            self.skip()?;
            return Err(Unreadable::UnclearValue);
        }
        let quoted = self.quoted()?;
        self.unescape(quoted).filter(|text| !quoted.has_escapes || !text.contains('\0')).ok_or(Unreadable::UnclearValue)
    }

    /// The text of any value, as it stands.
    pub fn raw(&mut self) -> Result<&'a str, Unreadable> {
        self.peek()?;
        let from = self.at;
        self.skip()?;
        self.text.get(from..self.at).ok_or(Unreadable::NotJson)
    }

    /// Any value. Without recursion: the bits of `objects` say of what is open whether it is an object.
    pub fn skip(&mut self) -> Result<(), Unreadable> {
        let floor = self.depth;
        let mut objects: u64 = 0;
        loop {
            let opened = self.scalar_or_open()?;
            if let Some(is_object) = opened {
                objects = objects << 1 | u64::from(is_object);
                let is_empty = self.peek()? == if is_object { b'}' } else { b']' };
                if !is_empty {
                    if is_object {
                        self.name()?;
                    }
                    continue;
                }
            }
            // A value is complete; so may be what it lies in.
            loop {
                if self.depth == floor {
                    return Ok(());
                }
                let is_object = objects & 1 == 1;
                let next = self.peek()?;
                self.at += 1;
                match next {
                    b',' if is_object => {
                        self.name()?;
                        break;
                    }
                    b',' => break,
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return Err(Unreadable::NotJson),
                }
                objects >>= 1;
                self.depth -= 1;
            }
        }
    }

    /// Passes over a scalar; or opens an array (`false`) or an object (`true`).
    fn scalar_or_open(&mut self) -> Result<Option<bool>, Unreadable> {
        match self.peek()? {
            b'"' => drop(self.quoted()?),
            b'{' => return self.open(b'{').map(|()| Some(true)),
            b'[' => return self.open(b'[').map(|()| Some(false)),
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => self.number()?,
        }
        Ok(None)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn took(&mut self, wanted: u8) -> Result<bool, Unreadable> {
        let is_it = self.peek()? == wanted;
        self.at += usize::from(is_it);
        Ok(is_it)
    }

    fn take(&mut self, wanted: u8) -> Result<(), Unreadable> {
        if self.took(wanted)? { Ok(()) } else { Err(Unreadable::NotJson) }
    }

    fn open(&mut self, bracket: u8) -> Result<(), Unreadable> {
        self.take(bracket)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Unreadable::TooDeep) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str) -> Result<(), Unreadable> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Unreadable::NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    /// RFC 8259 §6.
    fn number(&mut self) -> Result<(), Unreadable> {
        self.at += usize::from(self.byte() == Some(b'-'));
        let has_leading_zero = self.byte() == Some(b'0');
        let length = self.digits()?;
        if has_leading_zero && length > 1 {
            return Err(Unreadable::NotJson);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Unreadable> {
        let length = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        if length == 0 { Err(Unreadable::NotJson) } else { Ok(length) }
    }

    /// The name of a member that nobody looks at, with its colon.
    fn name(&mut self) -> Result<(), Unreadable> {
        self.quoted()?;
        self.take(b':')
    }

    /// RFC 8259 §7.
    fn quoted(&mut self) -> Result<Quoted, Unreadable> {
        self.take(b'"')?;
        let from = self.at;
        let mut has_escapes = false;
        loop {
            self.at += plain_length(self.rest());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(Unreadable::NotJson),
            }
        }
        let to = self.at;
        self.at += 1;
        Ok(Quoted { from, to, has_escapes })
    }

    fn escape(&mut self) -> Result<(), Unreadable> {
        let length = match self.rest() {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [_, b'u', digits @ ..] if digits.len() >= 4 && digits[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Unreadable::NotJson),
        };
        self.at += length;
        Ok(())
    }

    /// What a string says; nothing when it holds half a character (RFC 8259 §8.2).
    fn unescape(&self, quoted: Quoted) -> Option<Cow<'a, str>> {
        if quoted.has_escapes {
            let literal = self.text.get(quoted.from - 1..=quoted.to)?;
            return serde_json::from_str(literal).ok().map(Cow::Owned);
        }
        self.text.get(quoted.from..quoted.to).map(Cow::Borrowed)
    }
}

/// How many bytes go by before a quotation mark, a backslash, a control character or the end: eight at a time. Of eight
/// bytes in one number, subtracting borrows only from the byte before, so the first hit is always a true one.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_zero = |lanes: u64| lanes.wrapping_sub(ONES) & !lanes & HIGH;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let lanes = u64::from_le_bytes(*chunk);
        let control = lanes.wrapping_sub(ONES * 0x20) & !lanes & HIGH;
        let hits = control | is_zero(lanes ^ (ONES * u64::from(b'"'))) | is_zero(lanes ^ (ONES * u64::from(b'\\')));
        if hits != 0 {
            return index * 8 + (hits.trailing_zeros() / 8) as usize;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
