//! The search: every canary, as it stands and as encoders write it, in one pass over the bytes.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::canary::Canary;

const START_BYTES: usize = 8;

/// All canaries in all forms, by how each begins.
pub(super) struct Search {
    needles: HashMap<[u8; START_BYTES], Vec<Needle>>,
    /// Whether any begins with these two bytes.
    begins: Vec<bool>,
}

struct Needle {
    canary: usize,
    form: &'static str,
    bytes: Vec<u8>,
}

impl Search {
    pub(super) fn of(canaries: &[Canary]) -> Self {
        let mut search = Self { needles: HashMap::new(), begins: vec![false; 1 << 16] };
        for (canary, known) in canaries.iter().enumerate() {
            for core in known.cores() {
                for (form, bytes) in forms(&core) {
                    search.begins[pair(&bytes)] = true;
                    let start: [u8; START_BYTES] = bytes[..START_BYTES].try_into().unwrap();
                    search.needles.entry(start).or_default().push(Needle { canary, form, bytes });
                }
            }
        }
        search
    }

    /// The canaries in these bytes, by their number, each with the form in which it stands there.
    pub(super) fn found(&self, bytes: &[u8]) -> BTreeSet<(usize, &'static str)> {
        let mut found = BTreeSet::new();
        for (at, start) in bytes.windows(START_BYTES).enumerate() {
            if !self.begins[pair(start)] {
                continue;
            }
            let start: [u8; START_BYTES] = start.try_into().unwrap();
            let here = self.needles.get(&start).into_iter().flatten();
            let here = here.filter(|needle| bytes[at..].starts_with(&needle.bytes));
            found.extend(here.map(|needle| (needle.canary, needle.form)));
        }
        found
    }
}

fn pair(bytes: &[u8]) -> usize {
    (usize::from(bytes[0]) << 8) | usize::from(bytes[1])
}

/// A core as it stands and as encoders write it. In base64 it looks otherwise by where in the text it begins: of
/// each way, the letters that hold nothing of what is around it.
fn forms(core: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hexadecimal: String = core.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("clear", core.to_vec()),
        ("hexadecimal digits", hexadecimal.to_uppercase().into_bytes()),
        ("hexadecimal digits", hexadecimal.into_bytes()),
    ];
    for (before, first) in [(0, 0), (1, 2), (2, 3)] {
        let text = [vec![0; before], core.to_vec()].concat();
        let whole = text.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            forms.push(("base64", engine.encode(&text).into_bytes()[first..whole].to_vec()));
        }
    }
    forms
}

#[test]
fn a_canary_is_found_in_every_form() {
    let value = "q8WmZr4TbN1xKd7LpYc2Vh9s+/G5jRtE0u=";
    let key = "c0ffee00112233445566778899aabbccddeeff00112233445566778899aabbcc";
    let canaries = [Canary::new("a secret", value, &[]), Canary::new("a key", key, &[])];
    let search = Search::of(&canaries);
    let raw: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
    let hexadecimal: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = |before: &str, engine: &dyn Fn(Vec<u8>) -> String| {
        engine([before.as_bytes(), value.as_bytes(), b" and more"].concat())
    };
    let standard = |bytes: Vec<u8>| STANDARD_NO_PAD.encode(bytes);
    let url_safe = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let of_secret = [
        format!("Bearer {value}"),
        value.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D"),
        value.replace('/', "\\/").replace('+', "\\u002b"),
        hexadecimal.to_uppercase(),
        hexadecimal,
        base64("", &standard),
        base64("writ:", &standard),
        base64("a", &url_safe),
        base64("ab", &url_safe),
    ];
    for text in of_secret {
        let found: Vec<usize> = search.found(text.as_bytes()).into_iter().map(|(canary, _)| canary).collect();
        assert_eq!(found, [0], "{text}");
    }
    for bytes in [key.as_bytes().to_vec(), key.to_uppercase().into_bytes(), standard(raw.clone()).into_bytes(), raw] {
        assert!(search.found(&bytes).iter().any(|(canary, _)| *canary == 1), "{bytes:?}");
    }
    assert!(search.found(&value.as_bytes()[..20]).is_empty(), "a part of it is none");
    assert!(search.found(b"").is_empty());
}
