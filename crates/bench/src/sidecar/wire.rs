//! As much of HTTP/1.1 (RFC 9112) as both ends of the benchmark need of messages that well-behaved programs wrote.

/// Where the head of a message ends, its empty line included.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a field; its name in lower case.
pub fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let mut lines = head.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// How long the whole message is, once its head is there; `None` while more of it must be read.
pub fn message_length(bytes: &[u8]) -> Option<usize> {
    let body = head_end(bytes)?;
    let head = &bytes[..body];
    if let Some(length) = field(head, "content-length") {
        let whole = body + length.parse::<usize>().expect("a length");
        return (bytes.len() >= whole).then_some(whole);
    }
    if field(head, "transfer-encoding").is_some() {
        return bytes.ends_with(b"\r\n0\r\n\r\n").then_some(bytes.len());
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_with_its_last_byte() {
        for whole in [
            "GET /jwks HTTP/1.1\r\nhost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
        ] {
            assert_eq!(message_length(whole.as_bytes()), Some(whole.len()), "{whole}");
            assert_eq!(message_length(&whole.as_bytes()[..whole.len() - 1]), None, "{whole}");
        }
    }
}
