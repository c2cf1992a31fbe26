//! Addresses inside the console. Ids are encoded, and a place to go on to is checked before it is used.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded: everything but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How long an address to go on to may be.
const NEXT_BYTES_MAX: usize = 512;

/// Where the console starts.
pub(crate) const HOME: &str = "/decisions";

/// One decision's page.
#[must_use]
pub(crate) fn decision(id: &str) -> String {
    format!("/decisions/{}", encoded(id))
}

/// One run's page.
#[must_use]
pub(crate) fn run(id: &str) -> String {
    format!("/runs/{}", encoded(id))
}

/// The sign-in page, from which the reader goes on to where they wanted to go.
#[must_use]
pub(crate) fn sign_in(next: &str) -> String {
    if next == HOME || next == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={}", encoded(next)) }
}

/// The page on which a ticket signs a person in, from which they go on, as a path within the console.
#[must_use]
pub fn sign_in_with(ticket: &str, next: Option<&str>) -> String {
    let page = format!("/sign-in?ticket={}", encoded(ticket));
    match next {
        Some(next) => format!("{page}&next={}", encoded(next)),
        None => page,
    }
}

/// Where a person begins to link an integration, as a path within the console.
#[must_use]
pub fn link_integration(integration: &str) -> String {
    format!("/integrations/{}/link", encoded(integration))
}

/// A part of a path or of a query, with everything encoded that could end it.
#[must_use]
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The place to go on to, where it is one of this console's own pages; otherwise the start.
#[must_use]
pub(crate) fn onward(next: Option<&str>) -> &str {
    match next {
        Some(next)
            if next.starts_with('/')
                && !next.starts_with("//")
                && next.len() <= NEXT_BYTES_MAX
                && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
                && !["/sign-in", "/sign-out", "/api/", "/assets/"].iter().any(|other| next.starts_with(other)) =>
        {
            next
        }
        _ => HOME,
    }
}

/// The page that a form stands on: where to go back to after an error.
#[must_use]
pub(crate) fn back(path: &str) -> String {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(list @ ("decisions" | "runs")), Some(id)) if !id.is_empty() => format!("/{list}/{id}"),
        (Some("runs"), _) => "/runs".to_owned(),
        (Some("integrations"), _) => "/integrations".to_owned(),
        _ => HOME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{HOME, back, decision, link_integration, onward, sign_in, sign_in_with};

    #[test]
    fn ids_cannot_leave_their_place() {
        assert_eq!(decision("d-7f3a"), "/decisions/d-7f3a");
        assert_eq!(decision("../x?y#z\"é"), "/decisions/..%2Fx%3Fy%23z%22%C3%A9");
    }

    #[test]
    fn a_link_to_sign_in_with_says_where_to_go_on() {
        assert_eq!(sign_in_with("a.b-c_d", None), "/sign-in?ticket=a.b-c_d");
        // Encoded twice: once as a part of the path to go on to, and that path as a part of the query.
        let to_link = sign_in_with("a.b", Some(&link_integration("mail&x")));
        assert_eq!(to_link, "/sign-in?ticket=a.b&next=%2Fintegrations%2Fmail%2526x%2Flink");
        assert_eq!(onward(Some(&link_integration("mail/../x y"))), "/integrations/mail%2F..%2Fx%20y/link");
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/decisions/d-1", "/runs?show=all", "/trail"] {
            assert_eq!(onward(Some(good)), good);
        }
        let bad = [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil",
            "",
            "/a\nSet-Cookie: x=y",
            "/a b",
            "/é",
            "/sign-in?next=/",
            "/api/decisions",
        ];
        for next in bad {
            assert_eq!(onward(Some(next)), HOME, "{next:?}");
        }
        assert_eq!(onward(Some(&format!("/{}", "x".repeat(600)))), HOME);
        assert_eq!(onward(None), HOME);
    }

    #[test]
    fn errors_lead_back() {
        assert_eq!(back("/decisions/d-1/vote"), "/decisions/d-1");
        assert_eq!(back("/runs/r-1/stop"), "/runs/r-1");
        assert_eq!(back("/runs"), "/runs");
        assert_eq!(back("/nowhere"), HOME);
        assert_eq!(sign_in("/runs/r-1"), "/sign-in?next=%2Fruns%2Fr-1");
    }
}
