//! A call that goes on when the worker has answered: what it brings back is good for this run and this call alone.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use writ_core::code::Code;
use writ_core::definition::Ask;
use writ_core::event::Event;
use writ_engine::permit::{Continued, Request};
use writ_engine::upstream::{InputRequired, Nobody};
use writ_engine::view::WorkerAnswer;

use crate::consulting::{Consulting, asked, call, continued, digest, passed, refusal, reply};
use crate::desk::Desk;
use crate::play::{Play, QUESTION, object, question};

fn lamp() -> Json {
    json!({ "text": "lamp" })
}

fn responses() -> Map<String, Json> {
    object(&json!({ QUESTION: reply() }))
}

impl Consulting {
    /// A call that the integration wants an answer for; gives back the state to bring along.
    async fn wanted(&self) -> String {
        self.will(Play::wants("elicitation/create", "s-1"));
        match self.answer(call("records_find", &lamp())).await {
            WorkerAnswer::InputRequired(InputRequired { requests, state }) => {
                let expected = json!({ QUESTION: { "method": "elicitation/create", "params": question() } });
                assert_eq!(Json::Object(requests), expected);
                state.unwrap()
            }
            other => panic!("nothing is wanted: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_goes_on_with_the_answers() {
    let consulting = Consulting::new().await;
    let state = consulting.wanted().await;
    assert_ne!(state, "s-1");
    let found = json!({ "found": ["lamp"] });
    consulting.will(Play::structured(&found));
    let again = continued("records_find", &lamp(), responses(), Some(&state));
    assert_eq!(passed(consulting.answer(again).await)["structuredContent"], found);
    // The integration gets its own state back, with the same call.
    let request = |continued| Request::Tool { tool: "find".to_owned(), arguments: object(&lamp()), continued };
    let answers = Continued { responses: responses(), state: Some("s-1".to_owned()) };
    assert_eq!(consulting.desk.upstream().asked_for(), [request(None), request(Some(answers))]);
    // Both the question and the answer are recorded, before anybody gets them.
    let rail = consulting.rail().await;
    let kinds: Vec<&str> = rail.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["run_started", "asked", "tool_read", "asked", "tool_read"]);
    let ask = (Ask::Elicitation, digest(&question()));
    assert_eq!(asked(&rail), [(ask.0, ask.1, None), (ask.0, ask.1, digest(&reply()))]);
}

#[tokio::test]
async fn a_second_round_is_as_good_as_the_first() {
    let consulting = Consulting::new().await;
    let state = consulting.wanted().await;
    consulting.will(Play::wants("elicitation/create", "s-2"));
    let again = continued("records_find", &lamp(), responses(), Some(&state));
    let WorkerAnswer::InputRequired(second) = consulting.answer(again).await else { panic!("nothing is wanted") };
    let second = second.state.unwrap();
    assert_ne!(second, state);
    consulting.will(Play::structured(&json!({ "found": [] })));
    passed(consulting.answer(continued("records_find", &lamp(), responses(), Some(&second))).await);
    let asked = consulting.desk.upstream().asked_for();
    let Some(Request::Tool { continued: Some(last), .. }) = asked.last() else { panic!("{asked:?}") };
    assert_eq!(last.state.as_deref(), Some("s-2"));
}

#[tokio::test]
async fn a_state_is_good_for_its_call_alone() {
    let consulting = Consulting::new().await;
    let state = consulting.wanted().await;
    let before = consulting.desk.upstream().reads();
    let (note, order) = (json!({ "note_id": "n-1" }), json!({ "customer_id": "c-1" }));
    let other = json!({ "text": "chair" });
    let wrong = [
        ("other arguments", continued("records_find", &other, responses(), Some(&state))),
        ("another tool", continued("records_get_note", &note, responses(), Some(&state))),
        ("a third tool", continued("order", &order, responses(), Some(&state))),
        ("the integration's own state", continued("records_find", &lamp(), responses(), Some("s-1"))),
        ("nothing", continued("records_find", &lamp(), responses(), Some(""))),
        ("one too long", continued("records_find", &lamp(), responses(), Some(&"x".repeat(1 << 20)))),
    ];
    for (what, call) in wrong {
        let (code, message) = refusal(consulting.answer(call).await);
        assert_eq!(code, "bad_arguments", "{what}: {message}");
    }
    for at in (0..state.len()).step_by(3).chain([state.len() - 1]) {
        let mut altered = state.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let call = continued("records_find", &lamp(), responses(), Some(&altered));
        assert_eq!(refusal(consulting.answer(call).await).0, "bad_arguments", "byte {at}");
    }
    let another = consulting.another_run("k-1").await;
    let call = continued("records_find", &lamp(), responses(), Some(&state));
    let answer = consulting.desk.engine.worker_call(&another, call, Arc::new(Nobody)).await;
    assert_eq!(refusal(answer).0, "bad_arguments", "another run");
    assert_eq!(consulting.desk.upstream().reads(), before, "none of it is sent");
    // Where it belongs, it is as good as ever.
    let call = continued("records_find", &lamp(), responses(), Some(&state));
    let answer = consulting.answer(call).await;
    assert!(matches!(answer, WorkerAnswer::Own { is_error: false, .. }), "{answer:?}");
}

/// What an integration gets of answers: with a state those to its own questions, without one those of a kind that it may
/// ask.
#[tokio::test]
async fn an_answer_to_nothing_does_not_reach_the_integration() {
    let consulting = Consulting::new().await;
    let sampled = json!({ "role": "assistant", "content": { "type": "text", "text": "m" } });
    let roots = json!({ "roots": [{ "uri": "file:///etc" }] });
    let more = json!({ QUESTION: reply(), "colour": reply(), "model": sampled, "roots": roots, "none": 7 });
    let state = consulting.wanted().await;
    let kept = json!({ QUESTION: reply() });
    let kept_without = json!({ QUESTION: reply(), "colour": reply() });
    let strangers = json!({ "model": sampled, "roots": roots, "none": 7, "text": "m", "list": [reply()] });
    for (what, given, state, expected) in [
        ("with the state", &more, Some(state.as_str()), Some((&kept, Some("s-1")))),
        ("without it", &more, None, Some((&kept_without, None))),
        ("strangers alone", &strangers, None, None),
        ("nothing", &json!({}), None, None),
    ] {
        consulting.answer(continued("records_find", &lamp(), object(given), state)).await;
        let sent = consulting.desk.upstream().asked_for();
        let Some(Request::Tool { continued, .. }) = sent.last() else { panic!("{what}: {sent:?}") };
        let expected = expected
            .map(|(responses, state)| Continued { responses: object(responses), state: state.map(str::to_owned) });
        assert_eq!(*continued, expected, "{what}");
    }
    // What did reach it is recorded; what nobody knows to have been asked, without a question.
    let (open, answer) = (digest(&question()), digest(&reply()));
    let answered = asked(&consulting.rail().await);
    let expected = [(open, None), (open, answer), (None, answer), (None, answer)];
    assert_eq!(answered, expected.map(|(question, answer)| (Ask::Elicitation, question, answer)));
}

#[tokio::test]
async fn an_integration_that_may_ask_nothing_gets_no_answers() {
    let desk = Desk::new().await;
    let run = desk.start("k-1").await;
    let payment = json!({ "payment_id": "p-1" });
    let call = |state| continued("pay_get_payment", &payment, responses(), state);
    let foreign = desk.engine.worker_call(&run, call(Some("s-1")), Arc::new(Nobody)).await;
    assert_eq!(refusal(foreign).0, "bad_arguments");
    assert_eq!(desk.upstream().reads(), 0);
    desk.engine.worker_call(&run, call(None), Arc::new(Nobody)).await;
    let arguments = object(&payment);
    let plain = Request::Tool { tool: "get_payment".to_owned(), arguments, continued: None };
    assert_eq!(desk.upstream().asked_for(), [plain]);
    assert!(asked(&desk.rail(&run).await).is_empty());
}

#[tokio::test]
async fn what_the_operator_does_not_let_it_ask_is_refused() {
    let consulting = Consulting::new().await;
    for method in ["sampling/createMessage", "roots/list", "elicitation", ""] {
        consulting.will(Play::wants(method, "s-1"));
        let (code, message) = refusal(consulting.answer(call("records_find", &lamp())).await);
        assert_eq!(code, "upstream_error", "{method}");
        assert!(!message.contains("Which size?"), "{message}");
        let refusals = consulting.desk.refusals(&consulting.run).await;
        let (_, code, reasons) = refusals.last().unwrap();
        assert_eq!(*code, Code::UpstreamError);
        assert!(reasons.iter().any(|reason| reason.detail.contains(&format!("`{method}`"))), "{reasons:?}");
    }
    assert!(asked(&consulting.rail().await).is_empty(), "nobody was asked");
}
