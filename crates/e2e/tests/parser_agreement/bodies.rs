//! JSON-RPC messages of somebody who wants a server to see something else than the sidecar: names that are there twice or in
//! another spelling, at every level; odd escapes, numbers, depths and encodings; bodies that are more or less than one.

const METHODS: [&str; 16] = [
    "tools/call",
    "tools/call",
    "tools/call",
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "tasks/get",
    "tasks/cancel",
    "completion/complete",
    "completion/complete",
    "subscriptions/listen",
    "subscriptions/listen",
    "tools/list",
    "notifications/initialized",
    "example/unknown",
];

/// Strings as they stand in JSON.
const TEXTS: [&str; 16] = [
    "public",
    "delete_all",
    "Public",
    "publi\\u0063",
    "p\u{fc}blic",
    "p\\u00fcblic",
    "\\ud83d\\ude00",
    "\u{1f600}",
    "\\ud83d",
    "public\\u0000",
    "a://b/\\u002e\\u002E/c",
    "\\u2028\\uFEFF\u{2029}",
    "",
    "\\\"name\\\":\\\"x\\\"",
    "x\\\\",
    "\\/\\b\\f\\n\\r\\t",
];

/// What a member may hold instead.
const ODD_VALUES: [&str; 24] = [
    "null",
    "true",
    "0",
    "-0",
    "1e999",
    "1E-400",
    "123456789012345678901234567890",
    "0.1e+1",
    "NaN",
    "Infinity",
    "-",
    "01",
    "1.",
    "0x10",
    "'x'",
    "[]",
    "{}",
    "[[[]]]",
    "{\"name\":\"x\",\"name\":\"y\"}",
    "[{\"method\":\"tools/call\"}]",
    "undefined",
    "\"\u{1}\"",
    "\"\\x41\"",
    "{\"__proto__\":{\"name\":\"x\"}}",
];

const WHITESPACE: [&str; 10] = [" ", "\t", "\n", "\r\n", "  ", "\u{a0}", "\u{b}", "\u{2028}", "/**/", "//\n"];

/// The members of an object: name and value, as they are to stand in JSON.
type Members = Vec<(String, String)>;

/// An endless row of bodies, the same for the same seed.
pub struct Bodies {
    state: u64,
}

impl Bodies {
    /// Of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The constants of Knuth's MMIX.
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).expect("31 bits") % limit.max(1)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }

    fn text(&mut self) -> String {
        format!("\"{}\"", self.pick(&TEXTS))
    }

    /// A string, or rarely anything else.
    fn text_or_odd(&mut self) -> String {
        if self.once_in(25) { self.any() } else { self.text() }
    }

    fn any(&mut self) -> String {
        match self.below(12) {
            0 => {
                let depth = 55 + self.below(12);
                format!("{}{}", "[".repeat(depth), "]".repeat(depth))
            }
            1 => format!("{}1{}", "{\"a\":".repeat(3), "}".repeat(3)),
            2..=4 => self.text(),
            _ => self.pick(&ODD_VALUES).to_owned(),
        }
    }

    /// A name, or rarely one that looks like it.
    fn spelled(&mut self, name: &str) -> String {
        if self.once_in(12) { self.escaped(name) } else { name.to_owned() }
    }

    /// The same name for whoever reads escapes.
    fn escaped(&mut self, name: &str) -> String {
        let at = self.below(name.len());
        let escape = |(index, letter): (usize, char)| {
            if index == at { format!("\\u{:04x}", u32::from(letter)) } else { letter.to_string() }
        };
        name.chars().enumerate().map(escape).collect()
    }

    /// The same name for somebody.
    fn variant(&mut self, name: &str) -> String {
        match self.below(12) {
            0..=2 => name.to_owned(),
            3 => self.escaped(name),
            4 => name.to_uppercase(),
            5 => name.replacen(|_: char| true, &name[..1].to_uppercase(), 1),
            6 => name.replace('s', "\u{17f}"),
            7 => name.replace('k', "\u{212a}").replace('i', "\u{131}"),
            8 => name.replace('s', "\\u017F").replace('k', "\\u212a"),
            9 => name
                .chars()
                .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
                .collect(),
            10 => format!("{name}\\u0000"),
            _ => name.trim_start_matches('_').to_owned(),
        }
    }

    /// An object in JSON: sometimes with a second member of one name, a stranger, another order, odd whitespace.
    fn object(&mut self, mut members: Members) -> String {
        if self.once_in(10) && !members.is_empty() {
            let chosen = self.below(members.len());
            let name = members[chosen].0.clone();
            let value = if self.once_in(2) { self.text() } else { members[chosen].1.clone() };
            let at = self.below(members.len() + 1);
            let name = self.variant(&name);
            members.insert(at, (name, value));
        }
        if self.once_in(10) {
            let hidden = self.pick(&[
                "name",
                "method",
                "uri",
                "taskId",
                "params",
                "ref",
                "_meta",
                "resourceSubscriptions",
                "__proto__",
                "constructor",
                "x",
                "\\ud800",
                "",
            ]);
            let name = self.variant_or(hidden);
            let value = self.any();
            members.push((name, value));
        }
        if self.once_in(4) && !members.is_empty() {
            let by = self.below(members.len());
            members.rotate_left(by);
        }
        let members: Vec<String> = members.into_iter().map(|(name, value)| self.member(&name, &value)).collect();
        let comma = if self.once_in(200) { "," } else { "" };
        format!("{{{}{comma}}}", members.join(","))
    }

    fn variant_or(&mut self, name: &str) -> String {
        if name.is_empty() || name.starts_with('\\') || self.once_in(2) { name.to_owned() } else { self.variant(name) }
    }

    fn member(&mut self, name: &str, value: &str) -> String {
        let mut space = || if self.once_in(60) { self.pick(&WHITESPACE) } else { "" };
        let (a, b, c, d) = (space(), space(), space(), space());
        format!("{a}\"{name}\"{b}:{c}{value}{d}")
    }

    fn named(&mut self, members: &mut Members, name: &str, value: String) {
        let name = self.spelled(name);
        members.push((name, value));
    }

    fn params(&mut self, method: &str) -> String {
        let mut members = Members::new();
        let wanted = match method {
            "tools/call" | "prompts/get" => "name",
            "resources/read" | "resources/subscribe" => "uri",
            "tasks/get" | "tasks/cancel" => "taskId",
            "completion/complete" => return self.completion(),
            "subscriptions/listen" => return self.subscription(),
            _ => "cursor",
        };
        if !self.once_in(30) {
            let value = self.text_or_odd();
            self.named(&mut members, wanted, value);
        }
        if self.once_in(3) {
            let arguments = vec![("name".to_owned(), self.any()), ("Name".to_owned(), self.any())];
            let arguments = self.object(arguments);
            self.named(&mut members, "arguments", arguments);
        }
        if self.once_in(5) {
            let version = self.pick(&["\"2026-07-28\"", "\"2025-11-25\"", "\"\"", "1"]).to_owned();
            let meta = self.object(vec![("io.modelcontextprotocol/protocolVersion".to_owned(), version)]);
            self.named(&mut members, "_meta", meta);
        }
        if self.once_in(8) {
            let other = self.pick(&["name", "uri", "taskId", "task", "x"]);
            let value = self.text_or_odd();
            members.push((other.to_owned(), value));
        }
        self.object(members)
    }

    fn completion(&mut self) -> String {
        let mut reference = Members::new();
        let (kind, name) = if self.once_in(2) { ("\"ref/prompt\"", "name") } else { ("\"ref/resource\"", "uri") };
        self.named(&mut reference, "type", kind.to_owned());
        let value = self.text_or_odd();
        self.named(&mut reference, name, value);
        if self.once_in(12) {
            let value = self.text();
            reference.push((self.pick(&["name", "uri", "type"]).to_owned(), value));
        }
        let reference = self.object(reference);
        self.object(vec![("ref".to_owned(), reference), ("argument".to_owned(), "{}".to_owned())])
    }

    fn subscription(&mut self) -> String {
        let mut wanted = Members::new();
        for name in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            if self.once_in(3) {
                let value = self.pick(&["true", "true", "false", "null", "1", "\"yes\""]).to_owned();
                self.named(&mut wanted, name, value);
            }
        }
        for name in ["resourceSubscriptions", "taskIds"] {
            if self.once_in(2) {
                let texts: Vec<String> = (0..self.below(4)).map(|_| self.text_or_odd()).collect();
                self.named(&mut wanted, name, format!("[{}]", texts.join(",")));
            }
        }
        let wanted = self.object(wanted);
        self.object(vec![("notifications".to_owned(), wanted)])
    }

    fn operation(&mut self) -> String {
        let method = self.pick(&METHODS);
        let mut members = vec![("jsonrpc".to_owned(), "\"2.0\"".to_owned())];
        if !self.once_in(5) {
            let id = if self.once_in(12) { self.any() } else { self.pick(&["1", "\"a\"", "-0.5e3"]).to_owned() };
            self.named(&mut members, "id", id);
        }
        if self.once_in(15) {
            self.named(&mut members, "result", "{\"method\":\"tools/call\"}".to_owned());
        } else {
            let written = self.spelled(method);
            self.named(&mut members, "method", format!("\"{written}\""));
            let params = self.params(method);
            self.named(&mut members, "params", params);
        }
        self.object(members)
    }

    fn batch(&mut self) -> String {
        let elements: Vec<String> = (0..self.below(4))
            .map(|_| match self.below(20) {
                0 => self.any(),
                1 => self.batch(),
                _ => self.operation(),
            })
            .collect();
        format!("[{}]", elements.join(","))
    }

    /// What happens to the bytes of a whole body.
    fn damaged(&mut self, body: String) -> Vec<u8> {
        let mut bytes = body.into_bytes();
        let at = self.below(bytes.len());
        match self.below(60) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(0..0, *b"\xef\xbb\xbf")),
            2 => bytes.extend_from_within(..),
            3 => drop(bytes.splice(at..at, *b"\xc0\xae")),
            4 => drop(bytes.splice(at..at, *b"\xed\xa0\x80")),
            5 => bytes[at] = u8::try_from(self.below(256)).expect("a byte"),
            6 => drop(bytes.remove(at)),
            7 => drop(bytes.splice(at..at, *b"/**/")),
            8 => bytes = bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
            9 => bytes.extend_from_slice(b"\n{\"method\":\"tools/call\"}"),
            10 => bytes.push(0),
            11 => bytes.extend_from_slice(b" \r\n\t"),
            _ => {}
        }
        bytes
    }
}

impl Iterator for Bodies {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let body = if self.once_in(8) { self.batch() } else { self.operation() };
        Some(self.damaged(body))
    }
}
