//! The smallest HTTP client that serves: one request, one connection, plain http. The quickstart asks health listeners and
//! the upstream with it, `cargo verify` the running quickstart.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_BODY: u64 = 1024 * 1024;

/// An http or https URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    /// With the query; never empty.
    pub path: String,
}

impl Address {
    /// `None` unless it is an absolute http or https URL with a host.
    pub fn parse(url: &str) -> Option<Address> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let default_port = if secure { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, default_port),
        };
        let plain = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '@');
        plain.then(|| Address { secure, host: host.to_owned(), port, path })
    }

    /// Opens a connection to the first of its network addresses that answers.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let host = self.host.trim_matches(['[', ']']);
        let mut result = Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
        for address in (host, self.port).to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, PATIENCE);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    pub fn is_this_machine(&self) -> bool {
        self.host == "localhost" || self.host == "[::1]" || self.host.starts_with("127.")
    }
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: BufReader<TcpStream>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(self) -> io::Result<String> {
        let mut text = String::new();
        self.body.take(LONGEST_BODY).read_to_string(&mut text)?;
        Ok(text)
    }
}

pub fn get(url: &str) -> io::Result<Response> {
    send("GET", url, None)
}

pub fn post_json(url: &str, body: &str) -> io::Result<Response> {
    send("POST", url, Some(body))
}

fn send(method: &str, url: &str, json: Option<&str>) -> io::Result<Response> {
    let address = Address::parse(url)
        .filter(|address| !address.secure)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("{url:?} is no http URL")))?;
    let mut stream = address.connect()?;
    let Address { host, port, path, .. } = address;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0 has no chunks: the body is everything until the server closes.
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}:{port}\r\n");
    if let Some(body) = json {
        request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    request += "\r\n";
    request += json.unwrap_or_default();
    stream.write_all(request.as_bytes())?;
    read_head(BufReader::new(stream))
}

fn read_head(mut stream: BufReader<TcpStream>) -> io::Result<Response> {
    let mut line = || {
        let mut line = String::new();
        stream.by_ref().take(64 * 1024).read_line(&mut line)?;
        Ok::<_, io::Error>(line.trim_end().to_owned())
    };
    let status = line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP"))?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(':') {
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Response { status, headers, body: stream })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, host, port, path) in [
            ("http://127.0.0.1:3000/mcp", "127.0.0.1", 3000, "/mcp"),
            ("http://localhost", "localhost", 80, "/"),
            ("https://mcp.example.com/a/b?c=d#e", "mcp.example.com", 443, "/a/b?c=d"),
            ("http://h:1?q", "h", 1, "/?q"),
            ("http://[::1]:8080/mcp", "[::1]", 8080, "/mcp"),
            ("http://[::1]/mcp", "[::1]", 80, "/mcp"),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!((address.host.as_str(), address.port, address.path.as_str()), (host, port, path), "{url}");
        }
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for text in
            ["", "localhost:3000", "ftp://h/", "http://", "http://:80/", "http://h:port/", "http://a b/", "http://u@h/"]
        {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }
}
