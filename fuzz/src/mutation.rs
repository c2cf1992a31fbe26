//! Changed inputs, made from good ones: the same seed makes the same changes.
//!
//! Half of the changes are made in the tree of a JSON text, so that they reach what lies behind the parser; the others
//! in its bytes. What is made stays short, so that thousands of them are put through in seconds.

use serde_json::{Map, Value as Json, json};

/// What is made is no longer than this, in bytes.
pub const MUTATED_BYTES_MAX: usize = 64 * 1024;

/// How many changes are made to one input at most.
const CHANGES_MAX: u64 = 4;

/// Pieces of text that parsers stumble over.
const PIECES: [&[u8]; 20] = [
    b"null",
    b"-0",
    b"1e999",
    b"18446744073709551616",
    b"9007199254740993",
    b"0.1e-400",
    b"\"\\ud800\"",
    b"\"\\u0000\"",
    b"{\"a\":1,\"a\":2}",
    b"\"id\":1,",
    b"\"method\":\"tools/call\",",
    b"[[[[[[[[",
    b"}}}}",
    b",",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\0",
    b"\r\n\r\n",
    b"'; --",
    b"*/",
];

/// Makes changed inputs.
#[derive(Debug, Clone)]
pub struct Mutator(u64);

impl Mutator {
    /// A mutator with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another input, made from a good one.
    pub fn changed(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = match serde_json::from_slice::<Json>(input) {
            Ok(mut json) if self.below(2) == 0 => {
                for _ in 0..=self.below(CHANGES_MAX) {
                    self.change_tree(&mut json);
                }
                json.to_string().into_bytes()
            }
            _ => {
                let mut bytes = input.to_vec();
                for _ in 0..=self.below(CHANGES_MAX) {
                    self.change_bytes(&mut bytes);
                }
                bytes
            }
        };
        bytes.truncate(MUTATED_BYTES_MAX);
        bytes
    }

    /// A number below a limit, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014)
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(limit).unwrap_or(0)
    }

    fn place(&mut self, length: usize) -> usize {
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(limit.max(1))).unwrap_or(0)
    }

    fn change_bytes(&mut self, bytes: &mut Vec<u8>) {
        let from = self.place(bytes.len() + 1);
        let to = (from + self.place(16)).min(bytes.len());
        match self.below(5) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << bit;
                }
            }
            1 => drop(bytes.drain(from..to)),
            2 => {
                let twice = bytes.get(from..to).unwrap_or_default().to_vec();
                drop(bytes.splice(to..to, twice));
            }
            3 => bytes.truncate(from),
            _ => {
                let piece = self.place(PIECES.len());
                let piece = PIECES.get(piece).copied().unwrap_or_default();
                drop(bytes.splice(from..from, piece.iter().copied()));
            }
        }
    }

    /// Goes down to some place of a tree and changes what is there.
    fn change_tree(&mut self, json: &mut Json) {
        let stops = self.below(4) == 0;
        match json {
            Json::Object(members) if !members.is_empty() && !stops => {
                let at = self.place(members.len());
                let Some(name) = members.keys().nth(at).cloned() else { return };
                match self.below(8) {
                    0 => _ = members.remove(&name),
                    1 => {
                        if let Some(value) = members.remove(&name) {
                            members.insert(format!("{name}\u{200b}"), value);
                        }
                    }
                    2 => _ = members.insert(format!("{name}{name}"), self.odd()),
                    _ => {
                        if let Some(value) = members.get_mut(&name) {
                            self.change_tree(value);
                        }
                    }
                }
            }
            Json::Array(elements) if !elements.is_empty() && !stops => {
                let at = self.place(elements.len());
                if let Some(element) = elements.get_mut(at) {
                    self.change_tree(element);
                }
            }
            place => *place = self.odd(),
        }
    }

    /// A value that is seldom meant.
    fn odd(&mut self) -> Json {
        match self.below(14) {
            0 => Json::Null,
            1 => json!(false),
            2 => json!(u64::MAX),
            3 => json!(i64::MIN),
            4 => json!(-0.0),
            5 => json!(1e308),
            6 => json!(""),
            7 => json!("\u{0}\u{202e}\u{feff}\u{1f600}"),
            8 => json!("x".repeat(10_000)),
            9 => json!([]),
            10 => Json::Object(Map::new()),
            11 => (0..100).fold(json!(1), |inner, _| json!([inner])),
            12 => json!({ "$ref": "#", "__proto__": { "constructor": 1 } }),
            _ => json!("../../etc/passwd"),
        }
    }
}
