//! Tokens: each is good for one thing, for a while.

use writ_core::code::Code;
use writ_core::event::Milliseconds;
use writ_engine::token::Audience;

use crate::judge::{Holds, Said, failed, refused};
use crate::site::Site;

const HOUR: Milliseconds = 3_600_000;

pub(crate) async fn other_kind(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    let said = Said::of(ground.engine.authenticate_person(&run.token));
    refused("a run's token in a person's place", &said, &[Code::NotAuthenticated])?;
    for audience in [Audience::Api, Audience::Console, Audience::SignIn] {
        let token = ground.token(audience, &example.person, HOUR);
        let said = Said::of(ground.engine.authenticate_worker(&token));
        refused("a person's token in a worker's place", &said, &[Code::NotAuthenticated])?;
    }
    Ok(())
}

pub(crate) async fn changed(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    for at in 0..run.token.len() {
        let flip = |(place, character): (usize, char)| match character {
            _ if place != at => character,
            'A' => 'B',
            _ => 'A',
        };
        let other: String = run.token.char_indices().map(flip).collect();
        if other != run.token {
            let said = Said::of(ground.engine.authenticate_worker(&other));
            refused("a token with another character", &said, &[Code::NotAuthenticated])?;
        }
    }
    Ok(())
}

pub(crate) async fn expired(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let run = ground.start(example).await?;
    ground.pass(run.token_expires_at.saturating_sub(ground.now()));
    let said = Said::of(ground.engine.authenticate_worker(&run.token));
    refused("a token after its end", &said, &[Code::NotAuthenticated])
}

pub(crate) async fn sign_in_twice(site: &Site) -> Holds {
    let (example, ground) = (site.start()?, site.ground().await?);
    let ticket = ground.token(Audience::SignIn, &example.person, HOUR);
    if let Err(refusal) = ground.engine.redeem_sign_in(&ticket).await {
        return failed(format!("a fresh sign-in link is refused: {refusal}"));
    }
    let said = Said::of(ground.engine.redeem_sign_in(&ticket).await);
    refused("a sign-in link that was used", &said, &[Code::NotAuthenticated])
}
