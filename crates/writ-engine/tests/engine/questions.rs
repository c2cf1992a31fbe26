//! What an integration says and asks while a read is under way: heard by the worker whose read it is, recorded before
//! that worker hears it, bounded, and never while an approved effect is carried out.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_core::decision::DecisionStatus;
use writ_core::definition::Ask;
use writ_core::event::Event;
use writ_engine::permit::{Continued, Request};
use writ_engine::upstream::Notice;
use writ_engine::view::WorkerAnswer;

use crate::consulting::{CANARY, Consulting, Listener, asked, call, digest, passed, reply};
use crate::fake_upstream::Answer;
use crate::play::{Play, QUESTION, object, question};

fn lamp() -> Json {
    json!({ "text": "lamp" })
}

impl Consulting {
    /// Makes a call, with a listener that can be asked so much.
    async fn heard(&self, tool: &str, arguments: &Json, can: &[Ask]) -> (WorkerAnswer, Arc<Listener>) {
        let listener = Listener::new(&self.desk, &self.run, can);
        let answer = self.desk.engine.worker_call(&self.run, call(tool, arguments), listener.clone()).await;
        (answer, listener)
    }
}

/// A question that was recorded before the worker heard it, and its answer before the integration got it.
async fn is_on_the_rail_in_order(consulting: &Consulting, listener: &Listener) {
    let questions = listener.questions();
    assert_eq!(questions.len(), 1);
    assert_eq!((questions[0].ask, &questions[0].parameters), (Ask::Elicitation, &question()));
    let open = (Ask::Elicitation, digest(&question()), None);
    assert_eq!(asked(&questions[0].rail), [open], "it is recorded before the worker hears it");
    let rail = consulting.rail().await;
    assert_eq!(asked(&rail), [open, (open.0, open.1, digest(&reply()))]);
    let kinds: Vec<&str> = rail.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["run_started", "asked", "asked", "tool_read"]);
}

#[tokio::test]
async fn a_worker_that_can_be_asked_is_asked_at_once() {
    let consulting = Consulting::new().await;
    consulting.will(Play::wants("elicitation/create", "s-1"));
    consulting.will(Play::structured(&json!({ "found": ["lamp"] })));
    let (answer, listener) = consulting.heard("records_find", &lamp(), &[Ask::Elicitation]).await;
    passed(answer);
    is_on_the_rail_in_order(&consulting, &listener).await;
    let request = |continued| Request::Tool { tool: "find".to_owned(), arguments: object(&lamp()), continued };
    let answers = Continued { responses: object(&json!({ QUESTION: reply() })), state: Some("s-1".to_owned()) };
    assert_eq!(consulting.desk.upstream().asked_for(), [request(None), request(Some(answers))]);
}

#[tokio::test]
async fn a_question_in_the_middle_of_a_read_is_answered() {
    let consulting = Consulting::new().await;
    consulting.will(Play::structured(&json!({ "found": [] })).asking(Ask::Elicitation, question()));
    let (answer, listener) = consulting.heard("records_find", &lamp(), &[Ask::Elicitation]).await;
    passed(answer);
    is_on_the_rail_in_order(&consulting, &listener).await;
    assert_eq!(consulting.desk.upstream().replies(), [Ok(reply())]);
}

/// Both the operator and the worker must be willing.
#[tokio::test]
async fn what_may_not_be_asked_is_not_heard() {
    let consulting = Consulting::new().await;
    let everything = [Ask::Elicitation, Ask::Sampling, Ask::Roots];
    for (ask, can) in
        [(Ask::Sampling, &everything[..]), (Ask::Roots, &everything[..]), (Ask::Elicitation, &everything[..0])]
    {
        consulting.will(Play::structured(&json!({ "found": [] })).asking(ask, question()));
        let (answer, listener) = consulting.heard("records_find", &lamp(), can).await;
        passed(answer);
        assert!(listener.questions().is_empty(), "{ask:?}");
    }
    assert!(consulting.desk.upstream().replies().iter().all(Result::is_err));
    assert!(asked(&consulting.rail().await).is_empty());
}

#[tokio::test]
async fn an_integration_asks_so_much_and_no_more() {
    let consulting = Consulting::new().await;
    let mut play = Play::structured(&json!({ "found": [] }));
    for _ in 0..20 {
        play = play.asking(Ask::Elicitation, question());
    }
    consulting.will(play);
    let (answer, listener) = consulting.heard("records_find", &lamp(), &[Ask::Elicitation]).await;
    passed(answer);
    assert_eq!(listener.questions().len(), 16);
    assert_eq!(consulting.desk.upstream().replies().iter().filter(|reply| reply.is_ok()).count(), 16);

    // Nor does a call go on for ever that wants something more each time: then the worker makes it again.
    let before = consulting.desk.upstream().reads();
    consulting.desk.upstream().reads_will((0..20).map(|_| Play::wants("elicitation/create", "s")));
    let (answer, listener) = consulting.heard("records_find", &lamp(), &[Ask::Elicitation]).await;
    assert!(matches!(answer, WorkerAnswer::InputRequired(_)), "{answer:?}");
    assert_eq!(listener.questions().len(), 8);
    assert_eq!(consulting.desk.upstream().reads() - before, 9);
}

#[tokio::test]
async fn what_is_said_before_a_label_is_there_has_no_words() {
    let consulting = Consulting::new().await;
    let progress = |message: &str| {
        let message = Some(message.to_owned());
        Notice::Progress { progress: 1.0, total: Some(2.0), message }
    };
    let play = Play::structured(&json!({ "found": [] }))
        .telling(progress("half"))
        .telling(progress(&"x".repeat(20_000)))
        .telling(Notice::Log(json!({ "level": "info", "data": "looking" })));
    consulting.will(play);
    let (answer, listener) = consulting.heard("records_find", &lamp(), &[]).await;
    passed(answer);
    let notices = listener.notices();
    assert_eq!(notices.len(), 1, "one was too long, and a line is all words: {notices:?}");
    assert!(matches!(&notices[0], Notice::Progress { message: None, progress, .. } if *progress > 0.9));
}

/// What is said beside a result that is looked at is not looked at, so its words do not pass.
#[tokio::test]
async fn what_is_said_beside_a_result_with_a_condition_has_no_words() {
    let consulting = Consulting::new().await;
    let list = json!({ "customer_id": "c-1", "state": "open", "total_max": 20, "page": 1 });
    let own = json!({ "customer_id": "c-1" });
    let order = json!({ "customer_id": "c-1", "total": 1, "parcels": 1 });
    for (tool, arguments, result) in [("order", &own, &order), ("records_list_orders", &list, &json!({ "orders": [] }))]
    {
        let said = Some(CANARY.to_owned());
        let play = Play::structured(result)
            .telling(Notice::Progress { progress: 1.0, total: None, message: said })
            .telling(Notice::Log(json!({ "level": "info", "data": CANARY })));
        consulting.will(play);
        let (answer, listener) = consulting.heard(tool, arguments, &[]).await;
        passed(answer);
        let notices = format!("{:?}", listener.notices());
        assert!(!notices.contains(CANARY), "{tool}: {notices}");
    }
}

/// What people approved is what happens: nobody adds anything to it.
#[tokio::test]
async fn nobody_is_asked_while_an_approved_effect_is_carried_out() {
    let consulting = Consulting::new().await;
    let desk = &consulting.desk;
    let asking = [Ask::Elicitation, Ask::Sampling, Ask::Roots]
        .into_iter()
        .fold(Play::from(Answer::Done), |play, ask| play.asking(ask, question()));
    desk.upstream().will([asking]);
    let (answer, listener) = consulting.heard("records_write_note", &lamp(), &[Ask::Elicitation]).await;
    let WorkerAnswer::Own { waits_for: Some(id), .. } = &answer else { panic!("it does not wait: {answer:?}") };
    desk.approve(id).await;
    desk.until(id, DecisionStatus::Succeeded).await;
    let replies = desk.upstream().replies();
    assert!(replies.len() == 3 && replies.iter().all(Result::is_err), "{replies:?}");
    assert!(listener.questions().is_empty());
    assert!(asked(&consulting.rail().await).is_empty());
}
