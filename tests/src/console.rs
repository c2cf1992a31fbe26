//! A person at the console: a browser without script, which is all that the pages need.

use serde_json::Value as Json;

use crate::{Desk, program};

/// A browser with one session.
#[derive(Debug)]
pub struct Console {
    http: reqwest::Client,
    address: String,
    cookie: Option<String>,
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The HTML.
    pub html: String,
}

impl Console {
    /// A browser in which nobody is signed in.
    #[must_use]
    pub fn stranger(address: &str) -> Self {
        Self { http: crate::http(), address: address.to_owned(), cookie: None }
    }

    /// A browser with a session of this person, begun as the operator's link begins it.
    pub async fn signed_in(desk: &Desk, person: &str) -> Self {
        let mut console = Self::stranger(desk.address());
        let ticket = ticket(desk, person).await;
        let page = console.get(&format!("/sign-in?ticket={ticket}")).await;
        assert_eq!(page.field("ticket"), ticket, "looking at the link uses nothing up");
        let page = console.post("/sign-in", &[("ticket", ticket.as_str()), ("next", "/decisions")]).await;
        assert_eq!((page.status, page.header("location")), (303, "/decisions"), "{}", page.html);
        let cookie = page.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        console.cookie = Some(cookie.split(';').next().unwrap_or_default().to_owned());
        console
    }

    /// The session's cookie, as `name=value`.
    #[must_use]
    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().expect("a session")
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Page {
        self.get_with(path, &[]).await
    }

    /// Opens a page with more headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        self.sent(self.http.get(format!("{}{path}", self.address)), headers).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[]).await
    }

    /// Sends a form with more headers.
    pub async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        self.sent(self.http.post(format!("{}{path}", self.address)).form(fields), headers).await
    }

    async fn sent(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Page {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie.as_str());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { status, headers, html: response.text().await.expect("a whole page") }
    }
}

impl Page {
    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a plain header"))
    }

    /// The value of the first form field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.html.split_once(&start).unwrap_or_else(|| panic!("no field `{name}` in {}", self.html));
        rest.split('"').next().unwrap_or_default()
    }
}

/// A ticket for signing in, from the link that `writ person sign-in` makes.
pub async fn ticket(desk: &Desk, person: &str) -> String {
    let words = ["person", "sign-in", person, "--workspace", desk.acme.word(), "--json"];
    let said: Json = program::writ(&words).await.json();
    let link = said["link"].as_str().expect("a link");
    let ticket = link.strip_prefix(&format!("{}/sign-in?ticket=", desk.address()));
    ticket.unwrap_or_else(|| panic!("`{link}` leads elsewhere")).to_owned()
}
