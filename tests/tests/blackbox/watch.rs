//! An independent witness: `writ trail watch` cosigns a log that goes on, and raises an alarm over one that shrinks, forks
//! or was rewritten.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use writ_tests::story::{REFUND, refund};
use writ_tests::trail::{self, signed};
use writ_tests::{Desk, program, wait};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::hash::{Hash, leaf_hash};
use writ_trail::note::{Signer, Verifier};
use writ_trail::tile::{Levels, Tile};
use writ_trail::tree::root_of;

const ORIGIN: &str = "log.example/watched";
const ALARM: Option<i32> = Some(3);

/// A log that does what it is told, honest or not.
#[derive(Clone)]
struct Log(Arc<Mutex<Contents>>);

struct Contents {
    leaves: Vec<Hash>,
    /// How many of them the checkpoint is over.
    size: usize,
    signer: Signer,
    /// Whether partial tiles are gone where there are full ones.
    is_tidy: bool,
    /// Whether no tile is there at all.
    hides_tiles: bool,
    /// A byte that is wrong in every tile.
    flaw: u8,
}

/// The log, and a witness of it.
struct Watched {
    log: Log,
    address: String,
    folder: TempDir,
}

fn leaf(number: usize) -> Hash {
    leaf_hash(format!("entry {number}").as_bytes())
}

fn signer() -> Signer {
    Signer::new(ORIGIN, &[7; 32]).unwrap()
}

async fn checkpoint(State(log): State<Log>) -> String {
    let contents = log.0.lock().unwrap();
    let root = root_of(&contents.leaves[..contents.size]);
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: contents.size as u64, root };
    checkpoint.sign(&contents.signer).unwrap()
}

async fn tile(State(log): State<Log>, Path(path): Path<String>) -> Response {
    let contents = log.0.lock().unwrap();
    let tile = Tile::from_path(&format!("tile/{path}"));
    let levels = Levels::new(contents.leaves.clone());
    let replaced = contents.is_tidy
        && path.split_once(".p/").is_some_and(|(full, _)| {
            Tile::from_path(&format!("tile/{full}")).is_some_and(|full| levels.bytes(&full).is_some())
        });
    match tile.and_then(|tile| levels.bytes(&tile)).filter(|_| !replaced && !contents.hides_tiles) {
        Some(mut bytes) => {
            bytes[0] ^= contents.flaw;
            bytes.into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Watched {
    async fn serve(size: usize) -> Self {
        let leaves = (0..size).map(leaf).collect();
        let contents = Contents { leaves, size, signer: signer(), is_tidy: false, hides_tiles: false, flaw: 0 };
        let log = Log(Arc::new(Mutex::new(contents)));
        let routes = Router::new().route("/log/checkpoint", get(checkpoint)).route("/log/tile/{*path}", get(tile));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/log", listener.local_addr().unwrap());
        let routes = routes.with_state(log.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { log, address, folder: tempfile::tempdir().unwrap() }
    }

    /// Changes the log behind the witness's back.
    fn now(&self, change: impl FnOnce(&mut Contents)) {
        change(&mut self.log.0.lock().unwrap());
    }

    fn grow(&self, size: usize) {
        self.now(|contents| {
            contents.leaves.extend((contents.leaves.len()..size).map(leaf));
            contents.size = size;
        });
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn words<'a>(&'a self, key: &'a str, state: &'a str) -> [&'a str; 8] {
        ["trail", "watch", &self.address, "--key", key, "--state", state, "--json"]
    }

    async fn look(&self) -> program::Said {
        let (key, state) = (signer().verifier().to_string(), self.file("state"));
        program::writ(&[&self.words(&key, state.to_str().unwrap())[..], &["--once"]].concat()).await
    }

    /// Looks, and sees the log go on.
    async fn cosigns(&self, size: u64) -> Json {
        let said = self.look().await;
        let own = said.stderr.lines().find_map(|line| line.strip_prefix("cosigning as ")).map(str::to_owned);
        let told = said.json();
        assert_eq!(told["leaves"], json!(size), "{told}");
        let own: Verifier = own.expect("the witness's key").parse().unwrap();
        let kept = fs::read_to_string(self.file("state")).unwrap();
        let kept = Checkpoint::open_exactly(&kept, &signer().verifier(), &[own]).unwrap();
        assert_eq!(kept.size, size);
        told
    }

    /// Looks, and raises an alarm that says this.
    async fn alarms(&self, kind: &str, expected: &str) {
        let before = fs::read(self.file("state")).unwrap();
        let said = self.look().await;
        assert_eq!(said.code, ALARM, "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("ALARM: ") && said.stderr.contains(expected), "{}", said.stderr);
        assert_eq!(program::lines(&said.stdout)[0]["alarm"], kind);
        assert_eq!(fs::read(self.file("state")).unwrap(), before, "what was cosigned stays");
        let evidence = fs::read_to_string(self.file("state.alarm")).unwrap();
        Checkpoint::open(&evidence, &signer().verifier()).expect("the log's own signature under what it says now");
    }

    /// Looks in vain.
    async fn fails(&self, expected: &str) {
        let why = self.look().await.refused();
        assert!(why.contains(expected) && !why.contains("ALARM"), "{why}");
    }
}

#[tokio::test]
async fn a_log_that_goes_on_is_cosigned() {
    let watched = Watched::serve(0).await;
    assert_eq!(watched.cosigns(0).await["before"], Json::Null);
    for size in [1, 2, 255, 256, 300, 700, 70_000] {
        watched.grow(size);
        watched.cosigns(size as u64).await;
    }
    assert_eq!(watched.cosigns(70_000).await["before"], json!(70_000));
    assert!(!watched.file("state.alarm").exists());
}

#[tokio::test]
async fn a_full_tile_serves_where_the_partial_one_is_gone() {
    let watched = Watched::serve(300).await;
    watched.cosigns(300).await;
    watched.grow(1_100);
    // Meanwhile the log has grown, and what its checkpoint needs is in wider tiles alone.
    watched.now(|contents| (contents.size, contents.is_tidy) = (700, true));
    watched.cosigns(700).await;
}

#[tokio::test]
async fn a_log_that_shrinks_raises_an_alarm() {
    let watched = Watched::serve(700).await;
    watched.cosigns(700).await;
    watched.now(|contents| contents.size = 650);
    watched.alarms("shrunk", "has signed 700 leaves before, and 650 now").await;
    watched.now(|contents| contents.size = 0);
    watched.alarms("shrunk", "and 0 now").await;
    // Once it goes on, the witness goes on.
    watched.grow(720);
    watched.cosigns(720).await;
}

#[tokio::test]
async fn a_log_that_forks_raises_an_alarm_each_time() {
    let watched = Watched::serve(300).await;
    watched.cosigns(300).await;
    watched.now(|contents| contents.leaves[299] = leaf(1_000));
    watched.alarms("forked", "two different trees of 300 leaves").await;
    watched.alarms("forked", "two different trees of 300 leaves").await;
}

#[tokio::test]
async fn a_rewritten_entry_raises_an_alarm() {
    for (before, rewritten, after) in
        [(300, 5, 301), (300, 299, 1_000), (256, 0, 512), (1, 0, 2), (70_000, 400, 70_001)]
    {
        let watched = Watched::serve(before).await;
        watched.cosigns(before as u64).await;
        watched.now(|contents| contents.leaves[rewritten] = leaf(1_000_000));
        watched.grow(after);
        watched.alarms("rewritten", &format!("{after} leaves does not begin with the {before} seen before")).await;
    }
}

#[tokio::test]
async fn tiles_that_do_not_fit_raise_an_alarm() {
    let watched = Watched::serve(300).await;
    watched.cosigns(300).await;
    watched.grow(500);
    watched.now(|contents| contents.flaw = 1);
    watched.alarms("rewritten", "does not begin").await;
}

#[tokio::test]
async fn what_cannot_be_checked_is_not_cosigned() {
    let watched = Watched::serve(300).await;
    watched.cosigns(300).await;
    let kept = fs::read(watched.file("state")).unwrap();

    watched.now(|contents| contents.signer = Signer::new(ORIGIN, &[8; 32]).unwrap());
    watched.fails("the checkpoint is refused").await;
    watched.now(|contents| contents.signer = signer());
    watched.grow(400);
    watched.now(|contents| contents.hides_tiles = true);
    watched.fails("is not there").await;
    watched.now(|contents| contents.hides_tiles = false);
    watched.cosigns(400).await;
    fs::write(watched.file("state"), &kept).unwrap();

    // Another witness's state, and one that was changed, are no ground to stand on.
    fs::rename(watched.file("state.key"), watched.file("old.key")).unwrap();
    watched.fails("is not a checkpoint of this log and this witness").await;
    fs::rename(watched.file("old.key"), watched.file("state.key")).unwrap();
    let text = String::from_utf8(kept).unwrap();
    fs::write(watched.file("state"), text.replace("\n300\n", "\n301\n")).unwrap();
    watched.fails("is not a checkpoint of this log and this witness").await;
    fs::write(watched.file("state"), text).unwrap();

    let (key, state) = (signer().verifier().to_string(), watched.file("state"));
    let state = state.to_str().unwrap();
    for url in ["http://127.0.0.1:1/log", "ftp://127.0.0.1/log", "127.0.0.1"] {
        program::writ(&["trail", "watch", url, "--key", &key, "--state", state, "--once"]).await.refused();
    }
    watched.cosigns(400).await;
}

#[tokio::test]
async fn a_watch_goes_on_until_there_is_an_alarm() {
    let watched = Watched::serve(300).await;
    let (key, state) = (signer().verifier().to_string(), watched.file("state"));
    let mut command = program::command("writ");
    command.args(watched.words(&key, state.to_str().unwrap())).args(["--every", "1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let kept = |size: usize| {
        let state = state.clone();
        async move {
            let note = fs::read_to_string(&state).ok()?;
            (note.lines().nth(1) == Some(size.to_string().as_str())).then_some(())
        }
    };
    wait::until("the first look", async || kept(300).await).await;
    // One watch at a time keeps a state.
    watched.fails("in use by another process").await;
    watched.grow(700);
    wait::until("the next look", async || kept(700).await).await;
    watched.now(|contents| contents.leaves[3] = leaf(5));
    watched.grow(800);
    let ended = tokio::time::timeout(Duration::from_secs(60), child.wait()).await.expect("an alarm").unwrap();
    assert_eq!(ended.code(), ALARM);
}

#[tokio::test]
async fn a_witness_of_a_real_log_vouches_for_its_exports() {
    let public = ("writ.yaml", "  origin: writ.example/acme", "  origin: writ.example/acme\n  public: true");
    let desk = Desk::edited(&[public]).await;
    signed(&desk).await;
    let key = program::writ(&["trail", "key", "--workspace", desk.acme.word()]).await.ok().trim().to_owned();
    let (url, state) = (format!("{}/tlog", desk.address()), desk.acme.beside("witnessed"));
    let state = state.to_str().unwrap();
    let watch = async || {
        let words = ["trail", "watch", &url, "--key", &key, "--state", state, "--name", "witness.example", "--once"];
        let said = program::writ(&words).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let own = said.stderr.lines().find_map(|line| line.strip_prefix("cosigning as "));
        own.expect("the witness's key").to_owned()
    };
    watch().await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    signed(&desk).await;
    let witness = watch().await;

    let (export, proof) = (desk.acme.beside("export"), desk.acme.beside("proof.txt"));
    let (export, proof) = (export.to_str().unwrap(), proof.to_str().unwrap());
    let cosigned = ["--checkpoint", state, "--witness", &witness, "--workspace", desk.acme.word()];
    program::writ(&[&["trail", "export", export][..], &cosigned].concat()).await.ok();
    program::writ(&[&["trail", "proof", &decision, "--output", proof][..], &cosigned].concat()).await.ok();
    for path in [export, proof] {
        let verify = ["trail", "verify", path, "--key", &key, "--witness", &witness];
        let said = program::writ(&verify).await;
        assert!(said.stderr.contains("cosigned by witness.example"), "{}", said.stderr);
        said.ok();
        // Who has cosigned is part of what is verified: neither one too few nor one too many.
        assert!(trail::verify(path, &key).await.refused().contains("trail_invalid"));
        let other = signer().verifier().to_string();
        let verify = ["trail", "verify", path, "--key", &key, "--witness", &witness, "--witness", &other];
        assert!(program::writ(&verify).await.refused().contains("trail_invalid"));
    }

    // Where the workspace names a witness, nothing leaves without its cosignature.
    let origin = "  public: true";
    desk.acme.edit(("writ.yaml", origin, &format!("{origin}\n  witnesses: [\"{witness}\"]")));
    let again = desk.acme.beside("again");
    let again = again.to_str().unwrap();
    let why = program::writ(&["trail", "export", again, "--workspace", desk.acme.word()]).await.refused();
    assert!(why.contains("cosigned by witness.example") && why.contains("`--checkpoint FILE`"), "{why}");
    let words = ["trail", "export", again, "--checkpoint", state, "--workspace", desk.acme.word()];
    program::writ(&words).await.ok();
}
