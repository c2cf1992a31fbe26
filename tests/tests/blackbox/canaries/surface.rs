//! Every address of the console and of the API, asked for by nobody, by Ana and by Lea.

use serde_json::json;
use writ_web::{Access, ROUTES, Takes};

use super::people::nobody;
use super::stage::{Actor, Sends, Stage};

/// Asks for all of them. What takes a form or JSON gets what it does not understand, so that nothing changes.
pub(super) async fn everywhere(stage: &Stage, people: [&Actor; 2], run: &str, decision: &str) {
    let empty = json!({});
    for route in ROUTES {
        let id = if route.path.contains("/decisions/") { decision } else { run };
        let path = route.path.replace("{id}", id).replace("{name}", "personal");
        let sends = match route.takes {
            Takes::Nothing => Sends::Nothing,
            Takes::Form => Sends::Form(&[("csrf", "of another page")]),
            Takes::Json => Sends::Json(&empty),
        };
        stage.ask(&nobody(), route.verb.name(), &path, sends).await;
        // Where links begin has been seen: each one has a state that is to be known.
        if path.ends_with("/link") {
            continue;
        }
        for person in people {
            let page = stage.ask(person, route.verb.name(), &path, sends).await;
            let refused = [401, 403].contains(&page.status);
            let looks = route.takes == Takes::Nothing && route.access != Access::Open;
            assert!(!(looks && refused), "{} {path}: {}", person.name, page.status);
        }
    }
    for person in people {
        for path in
            ["/decisions?show=all", "/decisions?show=settled", "/api/decisions?show=all", "/nowhere", "/api/nowhere"]
        {
            stage.get(person, path).await;
        }
        let mut from = 0;
        loop {
            let page = stage.get(person, &format!("/api/runs/{run}/rail?from={from}&limit=500")).await;
            let page: serde_json::Value = serde_json::from_str(&page.html).unwrap();
            if page["events"].as_array().expect("events").is_empty() {
                break;
            }
            from = page["next"].as_u64().expect("where to go on");
        }
    }
}
