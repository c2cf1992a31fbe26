//! `writ check`: everything that is wrong in a workspace is found before a worker starts, with its place and a way out.

mod broken;

use serde_json::{Value as Json, json};
use writ_tests::{Acme, Server, program};

use broken::{BROKEN, Broken, DOUBTFUL};

#[tokio::test]
async fn the_example_is_in_order() {
    let acme = Acme::plain();
    let said = program::writ(&["check", acme.word()]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    assert!(said.stderr.contains("0 errors, 0 warnings"), "{}", said.stderr);
    let said = program::writ(&["check", acme.word(), "--json"]).await;
    assert_eq!(said.json(), json!({ "errors": 0, "warnings": 0 }));
}

#[tokio::test]
async fn what_is_wrong_is_found_at_its_place() {
    for case in BROKEN {
        // A tool that is not what was pinned stops nothing but itself.
        let severity = if case.message == "is not what was pinned" { "quarantine" } else { "error" };
        found(case, severity, 1).await;
    }
}

#[tokio::test]
async fn what_is_doubtful_is_said_and_does_not_stand_in_the_way() {
    for case in DOUBTFUL {
        found(case, "warning", 0).await;
    }
}

#[tokio::test]
async fn what_nobody_may_call_is_doubtful_where_it_is_named() {
    let rule = "@id(\"agents-write-to-customers\")\npermit (principal in Group::\"support\", \
                action == Action::\"shop.notify_customer\", resource is Tool);\n";
    let acme = Acme::edited(&[("policy/entitlements.cedar", rule, "")]);
    let said = program::writ(&["check", acme.word(), "--json"]).await;
    assert_eq!(said.code, Some(0));
    let problems = problems(&said);
    let message = problems[0]["message"].as_str().unwrap();
    assert!(message.contains("`shop.notify_customer` is always refused by entitlements"), "{problems:?}");
    assert_eq!((&problems[0]["file"], &problems[0]["severity"]), (&json!("missions/refund.yaml"), &json!("warning")));
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    for file in ["writ.yaml", "people.yaml", "policy/approvals.cedar", "policy/guardrails.cedar"] {
        let acme = Acme::plain();
        std::fs::remove_file(acme.file(file)).unwrap();
        let said = program::writ(&["check", acme.word(), "--json"]).await;
        assert_eq!(said.code, Some(1), "{file}");
        let problems = problems(&said);
        assert_eq!((&problems[0]["file"], &problems[0]["line"]), (&json!(file), &json!(0)), "{problems:?}");
        assert!(problems[0]["message"].as_str().unwrap().contains("cannot be read"), "{problems:?}");
    }
    let acme = Acme::plain();
    let nowhere = acme.beside("nowhere");
    let said = program::writ(&["check", nowhere.to_str().unwrap()]).await;
    assert!(said.refused().contains("writ.yaml"));
}

#[tokio::test]
async fn several_problems_are_told_together() {
    let acme = Acme::edited(&[
        ("people.yaml", "groups: [support-leads] }", "groups: [support-lead] }"),
        ("missions/refund.yaml", "for: 30m", "for: soon"),
        ("policy/entitlements.cedar", "resource.case_id", "resource.case_number"),
    ]);
    let said = program::writ(&["check", acme.word(), "--json"]).await;
    assert_eq!(said.code, Some(1));
    let problems = problems(&said);
    for file in ["people.yaml", "missions/refund.yaml", "policy/entitlements.cedar"] {
        assert!(problems.iter().any(|problem| problem["file"] == file), "nothing about {file}: {problems:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_checked_is_not_served() {
    let acme = Acme::edited(&[("missions/refund.yaml", "table: shop.orders", "table: shop.order")]);
    let why = Server::spawn(&acme).listening().await.expect_err("it must not be served");
    assert!(why.starts_with("exit code Some(1)") && why.contains("there is no table `shop.order`"), "{why}");
    assert!(!acme.file("data/address").exists());
}

/// One broken workspace: the problem stands at its place, for people and for programs alike.
async fn found(case: &Broken, severity: &str, code: i32) {
    let Broken { edit, at, message, help } = case;
    let acme = Acme::edited(&[*edit]);
    let said = program::writ(&["check", acme.word(), "--json"]).await;
    assert_eq!(said.code, Some(code), "{edit:?}: {}", said.stderr);
    let problems = problems(&said);
    let problem = problems
        .iter()
        .find(|problem| problem["message"].as_str().unwrap().contains(message))
        .unwrap_or_else(|| panic!("{edit:?}: nothing says `{message}`: {problems:?}"));
    assert_eq!((&problem["file"], &problem["severity"]), (&json!(edit.0), &json!(severity)), "{edit:?}: {problem}");
    assert!(problem["help"].as_str().unwrap().contains(help), "{edit:?}: no way out like `{help}`: {problem}");
    if let Some(at) = at {
        let text = acme.text(edit.0);
        let before = text.split_once(at).unwrap_or_else(|| panic!("`{at}` is not in the file")).0;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = (&problem["line"], &problem["column"]);
        assert_eq!(place, (&json!(line), &json!(column)), "{edit:?}: {problem}");
        assert_eq!(problem["text"].as_str(), text.lines().nth(line - 1), "the offending line: {problem}");
    }
    let (errors, warnings) = (counted(&said, "errors"), counted(&said, "warnings"));
    assert_eq!((errors > 0, errors + warnings), (code > 0, problems.len() as u64), "{edit:?}");

    let plain = program::writ(&["check", acme.word()]).await;
    assert_eq!((plain.code, plain.stdout.as_str()), (Some(code), ""), "{edit:?}");
    let place = format!("{}:{}:{}: {severity}: ", edit.0, problem["line"], problem["column"]);
    assert!(plain.stderr.contains(&place) && plain.stderr.contains(message), "{edit:?}: {}", plain.stderr);
}

/// The problems of a check with `--json`, without the count at the end.
fn problems(said: &program::Said) -> Vec<Json> {
    let mut lines = program::lines(&said.stdout);
    assert!(lines.pop().is_some_and(|count| count["errors"].is_u64()), "a count comes last: {}", said.stdout);
    lines
}

fn counted(said: &program::Said, what: &str) -> u64 {
    program::lines(&said.stdout).last().unwrap()[what].as_u64().unwrap()
}
