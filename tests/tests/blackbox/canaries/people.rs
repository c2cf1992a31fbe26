//! People, as the test needs them: with a personal token and a session each, and with an integration that Ana links.

use reqwest::Url;
use serde_json::Value as Json;
use writ_tests::console::Page;

use super::canary::{CODE, Canary, PERSONAL_TOKEN, SESSION, TICKET};
use super::stage::{Actor, Sends, Stage};

const LINK: &str = "/integrations/personal/link";

/// Whoever has nothing to show.
pub(super) fn nobody() -> Actor {
    Actor { name: "nobody", ..Actor::default() }
}

/// A person with a personal token, and with a session that the link of this command begins.
pub(super) async fn person(stage: &Stage, name: &'static str, link: &[&str]) -> Actor {
    let words = ["person", "token", name, "--workspace", stage.acme.word(), "--json"];
    let said = stage.writ(&words, "").await.json();
    let token = text(&said, "token");
    stage.canaries().push(Canary::token(PERSONAL_TOKEN, &token, &["command writ person token"]));

    let link = text(&stage.writ(link, "").await.json(), "link");
    let asked: Vec<(String, String)> = Url::parse(&link).unwrap().query_pairs().into_owned().collect();
    let fields: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (_, ticket) = fields.iter().find(|(name, _)| *name == "ticket").expect("a ticket");
    let places = ["command writ person sign-in", "command writ credential link", "nobody GET /sign-in"];
    stage.canaries().push(Canary::token(TICKET, ticket, &places));

    let path = link.strip_prefix(stage.address()).expect("a link to this server");
    let page = stage.get(&nobody(), path).await;
    assert_eq!((page.status, page.field("ticket")), (200, *ticket));
    let page = stage.ask(&nobody(), "POST", "/sign-in", Sends::Form(&fields)).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    stage.canaries().push(Canary::token(SESSION, &cookie, &["nobody POST /sign-in"]));
    Actor { name, token: Some(token), cookie: Some(cookie) }
}

/// Links the personal integration as a browser does: to the authorization server, whose consent comes at once, and
/// back, at first without the session, as after a way from another site.
pub(super) async fn link(stage: &Stage, person: &Actor) {
    let back = consented(stage, person, None).await;
    assert_eq!((back.status, back.header("location")), (303, "/integrations"), "{}", back.html);
}

/// Comes back with a code that the authorization server has not given.
pub(super) async fn fail_to_link(stage: &Stage, person: &Actor) {
    let wrong =
        stage.fake.told().make(CODE, &["nobody GET /integrations/personal/linked", "sent to the authorization"]);
    let back = consented(stage, person, Some(&wrong)).await;
    assert_eq!(back.status, 502, "{}", back.html);
}

async fn consented(stage: &Stage, person: &Actor, code: Option<&str>) -> Page {
    let begun = stage.get(person, LINK).await;
    assert_eq!(begun.status, 303, "{}", begun.html);
    // What the authorization server answers is its own.
    let consent = stage.http.get(begun.header("location")).send().await.unwrap();
    let to = consent.headers()["location"].to_str().unwrap().to_owned();
    let mut to = Url::parse(&to).unwrap();
    if let Some(code) = code {
        let fields: Vec<(String, String)> = to.query_pairs().into_owned().collect();
        let fields = fields.into_iter().map(|(name, value)| match name.as_str() {
            "code" => (name, code.to_owned()),
            _ => (name, value),
        });
        to.query_pairs_mut().clear().extend_pairs(fields);
    }
    let path = format!("{}?{}", to.path(), to.query().expect("an answer"));
    let page = stage.get(&nobody(), &path).await;
    assert!(page.status == 200 && page.html.contains("/linked?"), "{}", page.html);
    stage.get(person, &path).await
}

pub(super) fn text(json: &Json, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {json}")).to_owned()
}
