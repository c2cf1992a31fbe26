//! What a proof shows is the whole of it: an event left out, one put in, another decision's vote and a changed byte are
//! all refused, although each event that is still there is in the log. And an export tells which runs are torn.

use std::collections::HashMap;
use std::path::Path;

use tempfile::TempDir;
use writ_core::decision::DecisionStatus;
use writ_core::event::{Event, Proposal};
use writ_store::{Account, Archive, Entry, Flaw, Links, Runs, Store};
use writ_trail::bundle;
use writ_trail::export::verify_export_reading;

use crate::fixture::{
    self, claimed, commit, database, intent, little_mission, log, open, outcome, play, proposal, proposed, signed,
    signer, started, voted,
};

/// What this proof shows to somebody who holds the log's public key alone.
fn shown(text: &str) -> Result<Account, String> {
    let bodies = bundle::verify(text, &signer().verifier()).map_err(|error| error.to_string())?;
    let entries: Result<Vec<Entry>, Flaw> = bodies.iter().map(|(leaf, body)| Entry::read(*leaf, body)).collect();
    Account::of(&entries.map_err(|flaw| flaw.to_string())?).map_err(|flaw| flaw.to_string())
}

/// The leaves of a proof, each with its path, and what stands after them.
fn parts(text: &str) -> (Vec<(u64, String)>, String) {
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    let leaves = head.split("\nleaf ").skip(1).map(|leaf| {
        let seq = leaf.split(' ').next().unwrap().parse().unwrap();
        (seq, format!("leaf {leaf}"))
    });
    (leaves.collect(), checkpoint.to_owned())
}

fn joined(leaves: &[(u64, String)], checkpoint: &str) -> String {
    let leaves: String = leaves.iter().map(|(_, leaf)| format!("{leaf}\n")).collect();
    format!("writ.dev/trail/proof/v1\n{leaves}\n{checkpoint}")
}

fn not_sent(of: &Proposal) -> Event {
    Event::NotSent { decision: of.decision.clone(), why: "nobody listens".to_owned() }
}

/// A refund that two people approve and that leaves at the second attempt; among its events those of a note, which one
/// person approves and which is still to be sent.
async fn refund_and_note() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let refund = Proposal { approvals_needed: 2, ..proposal("r-1", "d-1", "p-1", Some("refund:p-1")) };
    let note = Proposal { approvals_needed: 2, ..proposal("r-1", "d-2", "p-2", None) };
    let commits = [
        commit("r-1", [started(), claimed("I look")]),
        commit("r-1", [proposed(&refund), proposed(&note)]),
        commit("r-1", [voted(&refund, "lea", true)]),
        commit("r-1", [voted(&note, "lea", true)]),
        commit("r-1", [voted(&refund, "lou", true)]),
        commit("r-1", [intent(&refund, 1), not_sent(&refund)]),
        commit("r-1", [voted(&note, "lou", true), claimed("still at it")]),
        commit("r-1", [intent(&refund, 2), outcome(&refund, true)]),
    ];
    play(&store, commits).await;
    signed(&store, log(folder.path()).len() as u64).await;
    (folder, store)
}

fn archive(folder: &TempDir) -> Archive {
    fixture::archive(folder.path(), signer().verifier()).unwrap()
}

#[tokio::test]
async fn a_proof_tells_of_one_effect_from_scope_to_outcome() {
    let (folder, store) = refund_and_note().await;
    let refund = shown(&archive(&folder).proof("d-1").unwrap()).unwrap();
    assert_eq!(refund.run, "r-1");
    assert_eq!((refund.start.mission.as_str(), refund.start.person.as_str()), ("refund", "ana"));
    assert!(refund.is_settled());
    assert_eq!(refund.decisions.len(), 1);
    // What an outsider works out is what the server says.
    assert_eq!(Some(&refund.decisions[0]), store.decision("d-1").unwrap().as_deref());

    let note = shown(&archive(&folder).proof("d-2").unwrap()).unwrap();
    assert_eq!(note.decisions[0].status, DecisionStatus::Approved);
    assert!(!note.is_settled(), "more may follow, and nothing here says that it has not");
}

#[tokio::test]
async fn an_event_left_out_is_missed() {
    let (folder, _store) = refund_and_note().await;
    let (leaves, checkpoint) = parts(&archive(&folder).proof("d-1").unwrap());
    assert_eq!(leaves.len(), 8, "start, proposal, two votes, intent, not sent, intent, outcome");
    assert!(shown(&joined(&leaves, &checkpoint)).is_ok());
    let last = leaves.len() - 1;
    for left_out in 0..last {
        let mut fewer = leaves.clone();
        fewer.remove(left_out);
        let why = shown(&joined(&fewer, &checkpoint)).unwrap_err();
        assert!(why.contains("leaf") || why.contains("start of"), "without {left_out}: {why}");
    }
    // To the state machine, an attempt that never left could be missing together with the next one. To the links not.
    let once = [&leaves[..5], &leaves[7..]].concat();
    assert!(shown(&joined(&once, &checkpoint)).unwrap_err().contains("comes after leaf"));
    // What is missing at the end nobody can see, so nothing that may have an end to come counts as settled.
    for until in 2..=last {
        let account = shown(&joined(&leaves[..until], &checkpoint)).unwrap();
        assert!(!account.is_settled(), "the first {until}");
    }
}

#[tokio::test]
async fn an_event_put_in_is_refused() {
    let (folder, store) = refund_and_note().await;
    // Another run, which ends with its own decision.
    play(&store, little_mission().into_iter().filter(|commit| commit.run.as_deref() == Some("r-2"))).await;
    signed(&store, log(folder.path()).len() as u64).await;
    let archive = archive(&folder);
    let (leaves, checkpoint) = parts(&archive.proof("d-1").unwrap());
    let mut others = parts(&archive.proof("d-2").unwrap()).0;
    others.extend(parts(&archive.proof("d-3").unwrap()).0);
    others.retain(|other| !leaves.contains(other));
    assert!(others.len() > 5);
    for other in others {
        let mut more = leaves.clone();
        more.push(other.clone());
        more.sort();
        let why = shown(&joined(&more, &checkpoint)).unwrap_err();
        assert!(why.contains("something else") || why.contains("comes after leaf"), "with {other:?}: {why}");
    }
}

#[tokio::test]
async fn another_decisions_vote_counts_for_nothing() {
    let (folder, _store) = refund_and_note().await;
    let archive = archive(&folder);
    let (mut leaves, checkpoint) = parts(&archive.proof("d-1").unwrap());
    let (notes, _) = parts(&archive.proof("d-2").unwrap());
    // The second vote of the refund goes, and the second one of the note takes its place.
    leaves[3] = notes[3].clone();
    leaves.sort();
    let why = shown(&joined(&leaves, &checkpoint)).unwrap_err();
    assert!(why.contains("comes after leaf") || why.contains("something else"), "{why}");
}

/// Two runs that have ended, each with its proof.
async fn ended() -> (TempDir, Store, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    signed(&store, log(folder.path()).len() as u64).await;
    let archive = archive(&folder);
    let proofs = ["r-1", "r-2"].map(|run| archive.proof_of_run(run).unwrap());
    assert!(archive.proof_of_run("r-none").is_err());
    (folder, store, proofs)
}

#[tokio::test]
async fn a_runs_proof_has_all_of_its_events() {
    let (folder, store, proofs) = ended().await;
    for (run, text) in ["r-1", "r-2"].into_iter().zip(&proofs) {
        let account = shown(text).unwrap();
        assert_eq!(account.run, run);
        assert!(account.is_settled());
        assert_eq!(account.whole_run.as_ref(), store.run(run).unwrap().as_deref());
        for decision in &account.decisions {
            assert_eq!(Some(decision), store.decision(decision.id()).unwrap().as_deref());
        }
        let of_run = log(folder.path()).into_iter().filter(|event| event.run.as_deref() == Some(run)).count();
        assert_eq!(parts(text).0.len(), of_run);
    }
    assert_eq!(shown(&proofs[0]).unwrap().decisions.len(), 2);
}

#[tokio::test]
async fn an_event_missing_from_a_run_is_missed() {
    let (_folder, _store, [text, other]) = ended().await;
    let (leaves, checkpoint) = parts(&text);
    let last = leaves.len() - 1;
    for left_out in 0..last {
        let mut fewer = leaves.clone();
        fewer.remove(left_out);
        shown(&joined(&fewer, &checkpoint)).expect_err(&format!("without {left_out}"));
    }
    // Of all that can be chosen from a run's events, only its beginnings and what is one decision alone show anything.
    for until in 1..=last {
        let account = shown(&joined(&leaves[..until], &checkpoint)).unwrap();
        assert!(account.whole_run.is_some() && !account.is_settled(), "the first {until}");
    }
    for stranger in parts(&other).0 {
        let mut more = leaves.clone();
        more.push(stranger.clone());
        more.sort();
        assert!(shown(&joined(&more, &checkpoint)).unwrap_err().contains("something else"), "with {stranger:?}");
    }
}

#[tokio::test]
async fn an_end_that_others_follow_is_still_the_end() {
    let (folder, store, _) = ended().await;
    let refused = Event::Refused {
        by: None,
        request: "conclude".to_owned(),
        code: writ_core::code::Code::RunNotOpen,
        reasons: Vec::new(),
    };
    play(&store, [commit("r-1", [refused, Event::Alarm { what: "a test".to_owned() }])]).await;
    signed(&store, log(folder.path()).len() as u64).await;
    let text = archive(&folder).proof_of_run("r-1").unwrap();
    assert!(shown(&text).unwrap().is_settled());
    let (leaves, checkpoint) = parts(&text);
    // These two alone can be left out at the end, and change nothing of what the run was.
    for until in [leaves.len() - 2, leaves.len() - 1] {
        assert!(shown(&joined(&leaves[..until], &checkpoint)).unwrap().is_settled());
    }
    assert!(!shown(&joined(&leaves[..leaves.len() - 3], &checkpoint)).unwrap().is_settled());
}

/// Reads an export, in which the bodies of some leaves are erased first.
fn runs_without(folder: &TempDir, erased: &[u64]) -> Result<Runs, Flaw> {
    let out = tempfile::tempdir().unwrap();
    let exported = out.path().join("export");
    archive(folder).export(&exported).unwrap();
    let file = exported.join("bodies/000");
    let lines = std::fs::read_to_string(&file).unwrap();
    let lines = lines.lines().zip(0..).map(|(line, leaf)| match erased.contains(&leaf) {
        true => format!("{leaf} erased\n"),
        false => format!("{line}\n"),
    });
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let (mut runs, mut flaw) = (Runs::default(), None);
    let visit = |leaf, body: &[u8]| flaw = flaw.take().or_else(|| runs.follow(leaf, body).err());
    let report = verify_export_reading(&exported, &signer().verifier(), &[], visit).unwrap();
    assert_eq!(report.erased, erased.len() as u64);
    flaw.map_or(Ok(runs), Err)
}

#[tokio::test]
async fn an_export_tells_whether_runs_are_torn() {
    let (folder, _store, _) = ended().await;
    let found = |erased: &[u64]| runs_without(&folder, erased).map(|runs| (runs.count(), runs.torn()));
    assert_eq!(found(&[]), Ok((2, 0)));
    let events = log(folder.path());
    let of_run = |run| events.iter().filter(move |event| event.run.as_deref() == Some(run)).map(|event| event.seq);
    let (one, other): (Vec<u64>, Vec<u64>) = (of_run("r-1").collect(), of_run("r-2").collect());
    assert_eq!(found(&one[2..3]), Ok((2, 1)), "an event in between");
    assert_eq!(found(&one[..1]), Ok((2, 1)), "the start");
    assert_eq!(found(&[one[1], one[2], other[1]]), Ok((2, 2)));
    assert_eq!(found(&one), Ok((1, 0)), "a whole run");
    assert_eq!(found(&one[one.len() - 1..]), Ok((2, 0)), "an event at the end is nobody's to miss");
}

#[test]
fn a_log_that_contradicts_itself_is_found_out() {
    let body = |seq: u64, previous: &str| format!("{{\"seq\":{seq},\"run\":\"r-1\",\"event\":\"claimed\"{previous}}}");
    let start = "{\"seq\":0,\"run\":\"r-1\",\"event\":\"run_started\"}";
    let follow = |bodies: &[(u64, String)]| -> Result<(usize, usize), Flaw> {
        let mut runs = Runs::default();
        runs.follow(0, start.as_bytes())?;
        bodies.iter().try_for_each(|(leaf, body)| runs.follow(*leaf, body.as_bytes()))?;
        Ok((runs.count(), runs.torn()))
    };
    assert_eq!(follow(&[(1, body(1, ",\"previous_in_run\":0"))]), Ok((1, 0)));
    assert_eq!(follow(&[(1, body(1, ""))]), Ok((1, 1)), "recorded before events had links");
    let twice = [(1, body(1, ",\"previous_in_run\":0")), (2, body(2, ",\"previous_in_run\":0"))];
    assert_eq!(follow(&twice), Err(Flaw::Untrue { leaf: 2, previous: 0 }));
    assert_eq!(follow(&[(1, body(1, ",\"previous_in_run\":7"))]), Err(Flaw::Untrue { leaf: 1, previous: 7 }));
    assert_eq!(follow(&[(1, body(2, ""))]), Err(Flaw::Misplaced { leaf: 1, said: 2 }));
    assert_eq!(follow(&[(3, body(3, ",\"previous_in_run\":2"))]), Ok((1, 1)), "leaves 1 and 2 are erased");
}

#[tokio::test]
async fn every_byte_of_a_proof_counts() {
    let (folder, _store) = refund_and_note().await;
    let text = archive(&folder).proof("d-1").unwrap();
    for position in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1 << (position % 8);
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(shown(&changed).is_err(), "byte {position}");
        }
    }
}

#[tokio::test]
async fn an_event_is_the_one_of_its_own_leaf() {
    let (folder, _store) = refund_and_note().await;
    let bodies = bundle::verify(&archive(&folder).proof("d-1").unwrap(), &signer().verifier()).unwrap();
    let (leaf, body) = &bodies[1];
    assert!(Entry::read(*leaf, body).is_ok());
    assert_eq!(Entry::read(leaf + 1, body), Err(Flaw::Misplaced { leaf: leaf + 1, said: *leaf }));
    assert!(matches!(Entry::read(0, b"{\"seq\":0}"), Err(Flaw::NotAnEvent { leaf: 0, .. })));
    assert!(matches!(Entry::read(0, b"\xff"), Err(Flaw::NotAnEvent { leaf: 0, .. })));
}

#[tokio::test]
async fn what_was_recorded_without_links_proves_no_whole() {
    let (folder, _store) = refund_and_note().await;
    let bodies = bundle::verify(&archive(&folder).proof("d-1").unwrap(), &signer().verifier()).unwrap();
    let mut entries: Vec<Entry> = bodies.iter().map(|(leaf, body)| Entry::read(*leaf, body).unwrap()).collect();
    entries[2].links = Links::default();
    let leaf = entries[2].leaf();
    assert_eq!(Account::of(&entries), Err(Flaw::Unlinked { leaf }));
    assert_eq!(Account::of(&[]), Err(Flaw::NoStart));
    assert_eq!(Account::of(&entries[1..]), Err(Flaw::NoStart));
}

#[tokio::test]
async fn a_proposal_of_another_run_or_digest_is_refused() {
    let (folder, _store) = refund_and_note().await;
    let bodies = bundle::verify(&archive(&folder).proof("d-1").unwrap(), &signer().verifier()).unwrap();
    let entries: Vec<Entry> = bodies.iter().map(|(leaf, body)| Entry::read(*leaf, body).unwrap()).collect();
    let changed = |change: fn(&mut Proposal)| {
        let mut entries = entries.clone();
        let Event::Proposed(proposal) = &mut entries[1].recorded.event else { panic!("no proposal") };
        change(proposal);
        Account::of(&entries)
    };
    assert!(changed(|_| {}).is_ok());
    let changes: [fn(&mut Proposal); 5] = [
        |proposal| proposal.action.person = "ben".to_owned(),
        |proposal| proposal.action.mission = "payout".to_owned(),
        |proposal| proposal.action.worker = "other".to_owned(),
        |proposal| proposal.action.tool = "payout".to_owned(),
        |proposal| proposal.approvals_needed = 3,
    ];
    for change in changes {
        assert!(matches!(changed(change), Err(Flaw::Illegal { .. })));
    }
}

#[tokio::test]
async fn every_event_says_what_came_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    play(&store, little_mission()).await;
    links_are_what_the_log_says(folder.path());
}

/// Works out the links of every event in the log the slow, obvious way.
pub(crate) fn links_are_what_the_log_says(folder: &Path) {
    let (mut runs, mut decisions) = (HashMap::new(), HashMap::new());
    for (seq, body) in (0..).zip(database(folder).bodies()) {
        let Entry { recorded, links } = Entry::read(seq, body.as_bytes()).unwrap();
        let previous_in_run = recorded.run.clone().and_then(|run| runs.insert(run, recorded.seq));
        let decision = recorded.event.decision().map(str::to_owned);
        let previous_in_decision = decision.and_then(|decision| decisions.insert(decision, recorded.seq));
        assert_eq!(links, Links { previous_in_run, previous_in_decision }, "leaf {seq}");
    }
}
