//! Integrations that are child processes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::Secret;
use crate::testing::eventually;

/// A server of the current revision in a few lines of shell: it answers a call with what it finds in its environment.
const SERVER: &str = r#"
offers='"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"'
log='{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"on it"}}'
result() { echo '{"jsonrpc":"2.0","id":'"$1"',"result":{"resultType":"complete",'"$2"'}}'; }
while read -r line; do
  case "$line" in
    *server/discover*) result 0 "$offers" ;;
    *tools/call*)
      id=${line#*'"id":'}
      echo "$log"
      result "${id%%,*}" '"content":[{"type":"text","text":"'"$MODE $TOKEN ${HOME:-none}"'"}]' ;;
    *) exit 3 ;;
  esac
done
"#;

fn child(command: &str, script: &str) -> Transport {
    Transport::Stdio {
        command: PathBuf::from(command),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: BTreeMap::from([("MODE".to_owned(), "test".to_owned())]),
        secrets: BTreeMap::from([("TOKEN".to_owned(), Secret::new("swordfish"))]),
        cwd: None,
    }
}

#[tokio::test]
async fn a_child_gets_its_own_environment_and_nothing_else() {
    let recorder = Arc::new(crate::testing::Recorder::default());
    let upstream = reached(child("sh", SERVER), &[], limits());
    let (is_error, result) = answered(upstream.made_for(recorder.clone(), read("show")).await);
    assert!(!is_error);
    assert_eq!(result, json!("test *** none"));
    assert_eq!(recorder.heard().len(), 1, "the notice came before the answer");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_was_sent_nothing() {
    let transport = child("no-such-program-here", "");
    assert!(!format!("{transport:?}").contains("swordfish"));
    match reached(transport, &[], limits()).made(effect("refund", json!({}))).await {
        Sent::NotSent(why) => assert!(why.contains("cannot be started") && !why.contains("swordfish"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_child_that_ends_is_lost_once_and_started_again() {
    let upstream = reached(child("sh", SERVER), &[], limits());
    assert!(!answered(upstream.made(read("show")).await).0);
    // The script ends at a message that it does not know.
    let sent = upstream.made(asked(Request::Complete(JsonObject::new()))).await;
    assert!(matches!(sent, Sent::Lost(_)), "{sent:?}");
    let mut again = None;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while again.is_none() && std::time::Instant::now() < deadline {
        if let Sent::Answered(answer) = upstream.made(read("show")).await {
            again = Some(answer.result);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(again, Some(json!("test *** none")));
}

#[tokio::test]
async fn a_child_ends_with_the_upstream() {
    let note = std::env::temp_dir().join(format!("writ-upstream-{}", std::process::id()));
    let script = format!("echo $$ > {}; {SERVER}", note.display());
    let upstream = reached(child("sh", &script), &[], limits());
    assert!(!answered(upstream.made(read("show")).await).0);
    let number = std::fs::read_to_string(&note).unwrap().trim().to_owned();
    let _ = std::fs::remove_file(&note);
    assert!(std::path::Path::new("/proc").join(&number).exists());
    drop(upstream);
    eventually(|| !std::path::Path::new("/proc").join(&number).exists()).await;
}

#[tokio::test]
async fn a_child_that_is_not_used_any_more_ends_once_its_call_has_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (note, go) = (folder.path().join("number"), folder.path().join("go"));
    let waits = format!("while [ ! -e {} ]; do sleep 0.02; done; echo \"$log\"", go.display());
    let script = format!("echo $$ > {}; {}", note.display(), SERVER.replace("echo \"$log\"", &waits));
    let upstream = Arc::new(reached(child("sh", &script), &[], Limits::default()));
    let call = tokio::spawn({
        let upstream = Arc::clone(&upstream);
        async move { upstream.made(read("show")).await }
    });
    let number = || std::fs::read_to_string(&note).unwrap_or_default().trim().to_owned();
    let runs = |number: &str| std::path::Path::new("/proc").join(number).exists();
    eventually(|| !number().is_empty()).await;
    let first = number();
    upstream.retain(&BTreeSet::from([NAME.to_owned()]));
    upstream.retain(&BTreeSet::new());
    assert!(runs(&first) && !call.is_finished(), "the call that is under way keeps it");
    std::fs::write(&go, "").unwrap();
    assert!(!answered(call.await.unwrap()).0);
    eventually(|| !runs(&first)).await;
    // Whoever calls afterwards gets another one.
    assert!(!answered(upstream.made(read("show")).await).0);
    assert_ne!(number(), first);
    let second = number();
    upstream.retain(&BTreeSet::from([NAME.to_owned()]));
    assert!(!answered(upstream.made(read("show")).await).0);
    assert_eq!(number(), second, "what is used stays");
}
