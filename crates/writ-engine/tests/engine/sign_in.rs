//! A sign-in link is good once, for a short while, and for nothing else; and a token for what it was made for.

use std::sync::Arc;

use writ_core::code::Code;
use writ_engine::token::Audience;

use crate::desk::{Desk, HOUR, MINUTE, Site, T0, token};

fn ticket(who: &str, jti: &str) -> String {
    token(Audience::SignIn, who, T0, T0 + 10 * MINUTE, jti)
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let desk = Desk::new().await;
    let leaves = *desk.engine.follow().borrow();
    let session = desk.engine.redeem_sign_in(&ticket("lea", "j-1")).await.unwrap();
    assert_eq!(session.person.person(), "lea");
    assert_eq!(desk.engine.authenticate_session(&session.token).unwrap().name(), "Lea");
    assert_eq!(*desk.engine.follow().borrow(), leaves + 1, "who signed in is in the trail");
    let again = desk.engine.redeem_sign_in(&ticket("lea", "j-1")).await.unwrap_err();
    assert_eq!(again.code, Code::NotAuthenticated);
    assert!(desk.engine.redeem_sign_in(&ticket("lea", "j-2")).await.is_ok(), "another ticket is another matter");
    // The session ends in its time.
    desk.pass(session.expires_at - T0);
    assert!(desk.engine.authenticate_session(&session.token).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ticket_is_good_once_for_everybody_at_once() {
    let desk = Arc::new(Desk::new().await);
    let attempts = (0..16).map(|_| {
        let desk = desk.clone();
        tokio::spawn(async move { desk.engine.redeem_sign_in(&ticket("lea", "j-1")).await.is_ok() })
    });
    let mut good = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        good += usize::from(attempt.await.unwrap());
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn a_ticket_does_not_outlive_its_time_or_its_server() {
    let site = Site::new();
    let desk = Desk::at(site.clone(), T0 + MINUTE).await;
    let older = desk.engine.redeem_sign_in(&ticket("lea", "j-1")).await.unwrap_err();
    assert_eq!(older.code, Code::NotAuthenticated);
    let fresh = || token(Audience::SignIn, "lea", T0 + MINUTE, T0 + 2 * MINUTE, "j-2");
    desk.pass(MINUTE);
    assert_eq!(desk.engine.redeem_sign_in(&fresh()).await.unwrap_err().code, Code::NotAuthenticated);
}

#[tokio::test]
async fn nobody_unknown_or_disabled_signs_in() {
    let desk = Desk::new().await;
    for who in ["ben", "nobody", ""] {
        let refused = desk.engine.redeem_sign_in(&ticket(who, &format!("j-{who}"))).await.unwrap_err();
        assert_eq!(refused.code, Code::NotAuthenticated, "{who}");
        assert!(desk.engine.authenticate_person(&token(Audience::Api, who, T0, T0 + HOUR, "t-1")).is_err());
    }
    // A session is looked at anew at every request.
    let session = desk.engine.redeem_sign_in(&ticket("lea", "j-lea")).await.unwrap();
    desk.site.edit("people.yaml", "lea: { name: Lea,", "lea: { name: Lea, disabled: true,");
    desk.reload().await;
    assert!(desk.engine.authenticate_session(&session.token).is_err());
}

#[tokio::test]
async fn a_token_is_not_taken_for_another() {
    let desk = Desk::new().await;
    let started = desk.start_by("ana", "k-1").await.unwrap();
    assert!(desk.engine.authenticate_person(&started.token).is_err());
    assert!(desk.engine.redeem_sign_in(&started.token).await.is_err());
    for audience in [Audience::Api, Audience::Console, Audience::SignIn] {
        assert!(desk.engine.authenticate_worker(&token(audience, "ana", T0, T0 + HOUR, "t-1")).is_err());
    }
    assert!(desk.engine.authenticate_person(&ticket("lea", "j-1")).is_err());
    let session = desk.engine.redeem_sign_in(&ticket("lea", "j-1")).await.unwrap();
    assert!(desk.engine.redeem_sign_in(&session.token).await.is_err());
    assert!(desk.engine.authenticate_person(&format!("{}x", session.token)).is_err());
    assert!(desk.engine.authenticate_person("").is_err());
    // A run token that names no run is a token for nothing.
    assert!(desk.engine.authenticate_worker(&token(Audience::Run, "ana", T0, T0 + HOUR, "t-1")).is_err());
    // A form belongs to its session.
    let form = desk.engine.csrf_token(&session.token);
    assert!(desk.engine.verify_csrf(&session.token, &form));
    assert!(!desk.engine.verify_csrf(&started.token, &form));
    assert!(!desk.engine.verify_csrf(&session.token, ""));
}
