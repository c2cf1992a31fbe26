//! What a connection may cost, and what a server that does not answer costs others.

use super::stage::{Era, Stage};
use super::*;
use crate::testing::eventually;

#[tokio::test]
async fn calls_beyond_the_rate_are_not_sent() {
    let stage = Stage::start(Era::Current).await;
    let limits = Limits { calls_per_minute: Some(2), ..limits() };
    let upstream = reached(http(&stage.url), &[], limits);
    for _ in 0..2 {
        assert!(!answered(upstream.made(read("report")).await).0);
    }
    match upstream.made(read("report")).await {
        Sent::NotSent(why) => assert!(why.contains("rate"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.count("tools/call"), 2);
    assert!(upstream.describe(NAME, None).await.is_ok());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_alone_for_a_while() {
    let stage = Stage::start(Era::Current).await;
    let limits = Limits { answer: Duration::from_millis(300), ..limits() };
    let upstream = reached(http(&stage.url), &[], limits);
    assert!(!answered(upstream.made(read("report")).await).0);
    for _ in 0..5 {
        let sent = upstream.made(read("wait")).await;
        assert!(matches!(sent, Sent::Lost(_)), "{sent:?}");
    }
    let before = stage.count("tools/call");
    match upstream.made(read("report")).await {
        Sent::NotSent(why) => assert!(why.contains("not tried again yet"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.count("tools/call"), before);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !matches!(upstream.made(read("report")).await, Sent::Answered(_)) {
        assert!(std::time::Instant::now() < deadline, "the server was never tried again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!answered(upstream.made(read("report")).await).0);
}

#[tokio::test]
async fn who_waits_for_a_turn_is_told_when_none_comes() {
    let stage = Stage::start(Era::Current).await;
    let limits = Limits { calls_in_flight: 1, answer: Duration::from_secs(2), ..limits() };
    let upstream = Arc::new(reached(http(&stage.url), &[], limits));
    let first = tokio::spawn({
        let upstream = Arc::clone(&upstream);
        async move { upstream.made(read("wait")).await }
    });
    eventually(|| stage.count("tools/call") == 1).await;
    let quick = tokio::time::timeout(Duration::from_secs(20), upstream.made(read("report"))).await.unwrap();
    assert!(matches!(first.await.unwrap(), Sent::Lost(_)));
    assert!(matches!(quick, Sent::Answered(_) | Sent::NotSent(_)), "{quick:?}");
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_taken_back() {
    for era in [Era::Current, Era::Handshake] {
        let stage = Stage::start(era).await;
        let upstream = reached(http(&stage.url), &[], Limits::default());
        {
            let call = upstream.made(read("wait"));
            tokio::pin!(call);
            let called = eventually(|| stage.count("tools/call") == 1);
            tokio::pin!(called);
            tokio::select! {
                sent = &mut call => panic!("{sent:?}"),
                () = &mut called => {}
            }
        }
        eventually(|| stage.was_taken_back()).await;
    }
}
