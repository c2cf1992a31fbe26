//! Who may start what.

use serde_json::Value as Json;
use writ_core::code::Code;
use writ_engine::view::StartRun;

use super::NOBODY;
use crate::ground::Ground;
use crate::judge::{Holds, Said, refused};
use crate::site::{Site, Start};

/// A start that must be refused.
async fn start_is_refused(
    ground: &Ground,
    example: &Start,
    change: impl FnOnce(&mut StartRun),
    what: &str,
    code: Code,
) -> Holds {
    let mut start = example.request();
    change(&mut start);
    let said = match ground.try_start(&example.person, start).await? {
        Ok(_) => Said { refused: None, content: Json::from("a run") },
        Err(said) => said,
    };
    refused(what, &said, &[code])
}

pub(crate) async fn unknown_mission(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let change = |start: &mut StartRun| start.mission = NOBODY.to_owned();
    start_is_refused(&ground, example, change, "a start of a mission that is not there", Code::StartRefused).await
}

pub(crate) async fn unknown_parameter(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let change = |start: &mut StartRun| _ = start.params.insert(NOBODY.to_owned(), Json::from(NOBODY));
    start_is_refused(&ground, example, change, "a start with an unknown parameter", Code::BadArguments).await
}

pub(crate) async fn another_worker(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let change = |start: &mut StartRun| start.worker = Some(NOBODY.to_owned());
    start_is_refused(&ground, example, change, "a start by another worker", Code::StartRefused).await
}

pub(crate) async fn no_entitlement(site: &Site) -> Holds {
    let example = site.start()?;
    let ground = site.ground_with(|workspace| workspace.entitlements.text.clear()).await?;
    start_is_refused(&ground, example, |_| {}, "a start without any entitlement", Code::StartRefused).await
}
