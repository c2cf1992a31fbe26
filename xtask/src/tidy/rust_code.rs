//! Rust source with everything that is not running code blanked out.
//!
//! Comments, literals and items for tests become spaces, so that a rule can look for a call by its text without
//! meeting it in a message or a test. Lines stay where they are. It is a reader of tokens and brackets, no parser: on
//! source that does not compile it may blank too much or too little, and the compiler says so first.

/// What is left of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// The blanked text.
    pub(crate) code: String,
    /// The modules that are declared for tests alone.
    pub(crate) test_modules: Vec<String>,
}

/// Attributes whose item is for tests alone.
const TEST_ITEMS: [&str; 4] = ["#[cfg(test)]", "#[cfg(all(test,", "#[test]", "#[tokio::test"];
/// Attributes that hold for tests alone, whatever they stand on.
const TEST_ATTRIBUTES: [&str; 2] = ["#[cfg_attr(test,", "#![cfg_attr(test,"];

pub(crate) fn read(source: &str) -> Code {
    let mut code = without_text(source);
    let mut test_modules = Vec::new();
    // An attribute of several lines is found by what it says without white space.
    let mut from = 0;
    while let Some(at) = code.get(from..).and_then(|rest| rest.find('#')).map(|at| from + at) {
        from = at + 1;
        let Some(rest) = code.get(at..) else { break };
        let start: String = rest.chars().filter(|character| !character.is_whitespace()).take(24).collect();
        let starts = |attributes: &[&str]| attributes.iter().any(|attribute| start.starts_with(attribute));
        let length = if starts(&TEST_ITEMS) {
            let length = item_length(rest);
            test_modules.extend(rest.get(..length).and_then(declared_module));
            length
        } else if starts(&TEST_ATTRIBUTES) {
            attribute_length(rest)
        } else {
            continue;
        };
        let blanked = rest.get(..length).map(blank).unwrap_or_default();
        code.replace_range(at..at + length, &blanked);
    }
    Code { code, test_modules }
}

/// The text with comments and literals blanked out.
fn without_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    let mut in_word = false;
    while let Some(character) = rest.chars().next() {
        let length = text_length(rest, in_word);
        if length == 0 {
            code.push(character);
            in_word = character.is_alphanumeric() || character == '_';
        } else {
            code.push_str(&rest.get(..length).map(blank).unwrap_or_default());
            in_word = false;
        }
        rest = rest.get(length.max(character.len_utf8())..).unwrap_or_default();
    }
    code
}

/// Spaces for everything but the ends of lines, byte for byte.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// How many bytes of comment or literal the text starts with.
fn text_length(rest: &str, in_word: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return comment_length(rest);
    }
    if rest.starts_with('"') {
        return 1 + quoted_length(rest.get(1..).unwrap_or_default(), '"');
    }
    if rest.starts_with('\'') {
        return character_length(rest);
    }
    if in_word { 0 } else { raw_length(rest) }
}

/// A block comment, which may hold others.
fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Up to and with the closing quote.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// A character literal; nothing for a lifetime.
fn character_length(rest: &str) -> usize {
    let inside = rest.get(1..).unwrap_or_default();
    let mut characters = inside.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => 1 + quoted_length(inside, '\''),
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        _ => 0,
    }
}

/// A raw string with its prefix.
fn raw_length(rest: &str) -> usize {
    let Some(after) = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix)) else { return 0 };
    let hashes = after.chars().take_while(|character| *character == '#').count();
    let Some(body) = after.get(hashes..).and_then(|after| after.strip_prefix('"')) else { return 0 };
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len();
    body.find(&end).map_or(rest.len(), |at| start + at + end.len())
}

/// An attribute and the item that it stands on: to the first semicolon, or to the end of the first block.
fn item_length(rest: &str) -> usize {
    let from = attribute_length(rest);
    let mut depth = 0_usize;
    for (at, character) in rest.get(from..).unwrap_or_default().char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return from + at + 1;
                }
            }
            ';' if depth == 0 => return from + at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn attribute_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in rest.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    rest.len()
}

/// The name of a module whose body is another file.
fn declared_module(item: &str) -> Option<String> {
    let declaration = item.trim_end().strip_suffix(';')?;
    let mut words = declaration.split_whitespace().rev();
    let name = words.next()?;
    (words.next()? == "mod").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        read(source).code.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        let source = r###"a // b
/* c /* d */ e */ f("g\" h", 'i', '\'', b'\\', r#"j " k"#, r"l", br##"m"# n"##, 'o: loop {}) /// p
q"###;
        assert_eq!(words(source), ["a", "f(", ",", ",", ",", "b", ",", ",", ",", ",", "'o:", "loop", "{})", "q"]);
        assert_eq!(read(source).code.lines().count(), source.lines().count());
        assert_eq!(read("\"ä\" x").code, "     x");
    }

    #[test]
    fn words_that_end_like_a_prefix_are_words() {
        assert_eq!(words("for br in r { \"x\" }"), ["for", "br", "in", "r", "{", "}"]);
        assert_eq!(words("bar\"x\"y"), ["bar", "y"]);
    }

    #[test]
    fn items_for_tests_are_no_code() {
        let source = [
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { [1; 2]; }\n}\n",
            "#[cfg(test)]\npub(crate) mod c;\n#[test]\nfn d() -> [u8; 2] { x }\n",
            "#![cfg_attr(\n    test,\n    allow(e)\n)]\n#[derive(F)]\nfn g() {}",
        ]
        .concat();
        let Code { code, test_modules } = read(&source);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["fn", "a()", "{}", "#[derive(F)]", "fn", "g()", "{}"]);
        assert_eq!(test_modules, ["c"]);
        assert_eq!(code.lines().count(), source.lines().count());
    }
}
