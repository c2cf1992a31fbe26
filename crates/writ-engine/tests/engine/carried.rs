//! A task of an integration: known to one run alone, decided again at each look, and with a result that passes like any
//! other.

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_engine::permit::{Request, TaskStep};
use writ_engine::view::{TaskStatus, TaskView, WorkerAnswer};

use crate::consulting::{CANARY, Consulting, call, refusal};
use crate::desk::{MINUTE, T0};
use crate::play::{Play, object};

impl Consulting {
    /// Makes a call of which the integration makes the task `t-1`; gives back the id that the worker gets.
    async fn carried(&self, tool: &str, arguments: &Json) -> String {
        self.will(Play::task("t-1"));
        match self.answer(call(tool, arguments)).await {
            WorkerAnswer::Task(task) => {
                assert_eq!(task["status"], "working");
                task["taskId"].as_str().unwrap().to_owned()
            }
            other => panic!("no task: {other:?}"),
        }
    }

    async fn task(&self, id: &str) -> Result<TaskView, Refusal> {
        self.desk.engine.worker_task(&self.run, id).await
    }

    /// How the task stands, once the integration says so.
    async fn stands(&self, id: &str, how: &Json) -> Result<TaskView, Refusal> {
        let mut message = how.clone();
        message["taskId"] = json!("t-1");
        self.will(Play::message(&message));
        self.task(id).await
    }
}

fn own() -> Json {
    json!({ "customer_id": "c-1" })
}

fn completed(result: &Json) -> Json {
    let content = json!([{ "type": "text", "text": CANARY }]);
    json!({ "status": "completed", "result": { "content": content, "structuredContent": result } })
}

fn step(step: TaskStep) -> Request {
    Request::Task { task: "t-1".to_owned(), step }
}

#[tokio::test]
async fn a_task_is_passed_on_under_an_id_of_its_own() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("records_find", &json!({ "text": "lamp" })).await;
    assert!(!id.is_empty() && id != "t-1");
    let working = json!({
        "status": "working", "createdAt": "2027-01-15T08:00:00Z", "lastUpdatedAt": "2027-01-15T08:01:00Z",
        "ttlMs": 60_000, "pollIntervalMs": 500,
    });
    let view = consulting.stands(&id, &working).await.unwrap();
    assert_eq!((view.task.as_str(), view.status, view.result), (id.as_str(), TaskStatus::Working, None));
    assert_eq!((view.created_at, view.updated_at), (T0, T0 + MINUTE));
    assert_eq!((view.keep_milliseconds, view.poll_milliseconds), (Some(60_000), 500));
    let responses = object(&json!({ "size": { "action": "accept" } }));
    consulting.desk.engine.worker_task_update(&consulting.run, &id, responses.clone()).await.unwrap();
    consulting.desk.engine.worker_task_cancel(&consulting.run, &id).await.unwrap();
    let asked = consulting.desk.upstream().asked_for();
    assert_eq!(asked[1..], [step(TaskStep::Get), step(TaskStep::Update(responses)), step(TaskStep::Cancel)]);
    let reads = consulting.reads().await;
    assert!(reads.iter().all(|(action, ..)| action == "records.find"), "{reads:?}");
    assert_eq!(reads.len(), 3, "the call, the look, and that it was taken back");
}

#[tokio::test]
async fn its_result_passes_like_any_other() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("order", &own()).await;
    let result = json!({ "customer_id": "c-1", "total": 12.5, "parcels": 2 });
    let view = consulting.stands(&id, &completed(&result)).await.unwrap();
    assert_eq!(view.status, TaskStatus::Completed);
    let passed = Json::Object(view.result.unwrap());
    assert_eq!(passed["structuredContent"], result);
    assert!(!passed.to_string().contains(CANARY), "{passed}");

    let list = json!({ "customer_id": "c-1", "state": "open", "total_max": 20, "page": 1 });
    let id = consulting.carried("records_list_orders", &list).await;
    let result = json!({ "orders": [{ "id": "o-1", "card": CANARY }] });
    let view = consulting.stands(&id, &completed(&result)).await.unwrap();
    let passed = Json::Object(view.result.unwrap());
    assert_eq!(passed["structuredContent"], json!({ "orders": [{ "id": "o-1" }] }));
    assert!(!passed.to_string().contains(CANARY), "{passed}");
}

#[tokio::test]
async fn a_result_that_does_not_pass_is_withheld() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("order", &own()).await;
    let mut error = completed(&json!({ "customer_id": "c-1", "total": 1, "parcels": 1 }));
    error["result"]["isError"] = json!(true);
    consulting.will(Play::error(CANARY));
    let (code, message) = consulting.refused("order", own()).await;
    for (what, how) in [
        ("somebody else's", completed(&json!({ "customer_id": CANARY, "total": 1, "parcels": 1 }))),
        ("another form", completed(&json!({ "customer_id": [CANARY] }))),
        ("an error", error),
        ("text alone", json!({ "status": "completed", "result": { "content": [{ "type": "text", "text": CANARY }] } })),
        ("nothing", json!({ "status": "completed" })),
    ] {
        let refused = consulting.stands(&id, &how).await.unwrap_err();
        assert_eq!((refused.code.name(), &refused.message), (code.as_str(), &message), "{what}");
        let rail = format!("{:?}", consulting.rail().await);
        assert!(!rail.contains(CANARY) && !format!("{refused:?}").contains(CANARY), "{what}: {rail}");
    }
}

/// What the condition would keep back is not told in the words around the result either.
#[tokio::test]
async fn the_words_around_a_withheld_result_tell_nothing() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("order", &own()).await;
    let error = json!({ "code": -32_000, "message": CANARY, "data": CANARY });
    for how in [
        json!({ "status": "failed", "error": error, "statusMessage": CANARY }),
        json!({ "status": "working", "statusMessage": CANARY }),
        json!({ "status": "cancelled", "statusMessage": CANARY }),
    ] {
        let view = consulting.stands(&id, &how).await;
        assert!(!format!("{view:?}").contains(CANARY), "{view:?}");
    }
}

#[tokio::test]
async fn a_failed_task_of_a_read_that_nobody_looks_at_says_why() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("records_find", &json!({ "text": "lamp" })).await;
    let error = json!({ "code": -32_000, "message": "the index is gone" });
    let failed = json!({ "status": "failed", "error": error, "statusMessage": "no index" });
    let view = consulting.stands(&id, &failed).await.unwrap();
    assert_eq!((view.status, view.message.as_deref()), (TaskStatus::Failed, Some("no index")));
    assert_eq!(Json::Object(view.error.unwrap()), error);
}

#[tokio::test]
async fn an_id_is_good_for_its_run_and_as_it_is() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("order", &own()).await;
    let before = consulting.desk.upstream().reads();
    let engine = &consulting.desk.engine;
    let unknown = |refused: Refusal, what: &str| {
        let expected = (Code::UnknownName, "this run has no such task");
        assert_eq!((refused.code, refused.message.as_str()), expected, "{what}");
    };
    let another = consulting.another_run("k-1").await;
    unknown(engine.worker_task(&another, &id).await.unwrap_err(), "another run");
    unknown(engine.worker_task_update(&another, &id, Map::new()).await.unwrap_err(), "another run");
    unknown(engine.worker_task_cancel(&another, &id).await.unwrap_err(), "another run");
    for at in (0..id.len()).step_by(3).chain([id.len() - 1]) {
        let mut altered = id.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        unknown(consulting.task(&altered).await.unwrap_err(), &altered);
    }
    for made_up in ["t-1", &id[..id.len() - 1], &format!("{id}A"), &format!("c.{id}"), id.trim_start_matches("c.")] {
        unknown(consulting.task(made_up).await.unwrap_err(), made_up);
    }
    assert_eq!(consulting.desk.upstream().reads(), before, "nothing of it reaches the integration");
    consulting.stands(&id, &json!({ "status": "working" })).await.unwrap();
}

#[tokio::test]
async fn each_look_is_decided_again() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("order", &own()).await;
    let everybody = "permit (principal in Group::\"support\", action in Action::\"fetch\"";
    let zoe = "permit (principal == User::\"zoe\", action in Action::\"fetch\"";
    consulting.desk.site.edit("policy/entitlements.cedar", everybody, zoe);
    consulting.desk.reload().await;
    let before = consulting.desk.upstream().reads();
    let engine = &consulting.desk.engine;
    let refused = [
        consulting.task(&id).await.unwrap_err(),
        engine.worker_task_update(&consulting.run, &id, Map::new()).await.unwrap_err(),
        engine.worker_task_cancel(&consulting.run, &id).await.unwrap_err(),
    ];
    assert!(refused.iter().all(|refused| refused.code == Code::NotPermitted), "{refused:?}");
    assert_eq!(consulting.desk.upstream().reads(), before);
}

#[tokio::test]
async fn a_task_asks_what_the_operator_allows() {
    let consulting = Consulting::new().await;
    let id = consulting.carried("records_find", &json!({ "text": "lamp" })).await;
    let asks = |method: &str| {
        let request = json!({ "method": method, "params": { "message": "Which size?" } });
        json!({ "status": "input_required", "inputRequests": { "size": request } })
    };
    let view = consulting.stands(&id, &asks("elicitation/create")).await.unwrap();
    assert_eq!((view.status, view.asks.len()), (TaskStatus::InputRequired, 1));
    for method in ["sampling/createMessage", "roots/list", "anything", ""] {
        let refused = consulting.stands(&id, &asks(method)).await.unwrap_err();
        assert_eq!(refused.code, Code::UpstreamError, "{method}");
    }
}

#[tokio::test]
async fn a_call_whose_arguments_do_not_fit_into_an_id_is_called_off() {
    let consulting = Consulting::new().await;
    consulting.will(Play::task("t-1"));
    let long = json!({ "text": "x".repeat(5_000) });
    let (code, _) = refusal(consulting.answer(call("records_find", &long)).await);
    assert_eq!(code, "upstream_error");
    let asked = consulting.desk.upstream().asked_for();
    assert_eq!(asked[1..], [step(TaskStep::Cancel)], "the integration is told that nobody wants it");
}
