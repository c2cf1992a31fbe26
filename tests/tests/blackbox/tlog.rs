//! The trail's log over HTTP, read as a generic tool would: by C2SP tlog-tiles and the public key alone.

use reqwest::{Client, Response};
use writ_tests::story::{REFUND, refund};
use writ_tests::{Desk, program, trail};
use writ_trail::checkpoint::Checkpoint;
use writ_trail::hash::leaf_hash;
use writ_trail::note::Verifier;
use writ_trail::tile::{Levels, Tile, decode_entries, entry_bundles, hash_tiles};

const PUBLIC: (&str, &str, &str) =
    ("writ.yaml", "  origin: writ.example/acme", "  origin: writ.example/acme\n  public: true");

/// A desk with something in its trail, all of it signed.
async fn desk(edits: &[writ_tests::acme::Edit<'_>]) -> Desk {
    let desk = Desk::edited(edits).await;
    let worker = desk.run().await;
    let decision = worker.propose(REFUND, refund(240)).await;
    desk.lea.approve(&decision).await;
    worker.wait(&decision).await;
    trail::signed(&desk).await;
    desk
}

async fn get(desk: &Desk, path: &str, token: Option<&str>) -> Response {
    let request = Client::builder().no_proxy().build().unwrap().get(format!("{}/tlog/{path}", desk.address()));
    token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no `{name}`")).to_str().unwrap()
}

async fn tile(desk: &Desk, tile: &Tile, token: Option<&str>, kept: &str) -> Vec<u8> {
    let response = get(desk, &tile.path(), token).await;
    assert_eq!(response.status(), 200, "{}", tile.path());
    assert_eq!(header(&response, "content-type"), "application/octet-stream");
    assert_eq!(header(&response, "cache-control"), format!("{kept}, max-age=31536000, immutable"));
    response.bytes().await.unwrap().to_vec()
}

/// Follows the log from its checkpoint to every entry.
async fn followed(desk: &Desk, token: Option<&str>, kept: &str) {
    let key = program::writ(&["trail", "key", "--workspace", desk.acme.word()]).await.ok();
    let key: Verifier = key.trim().parse().unwrap();
    let response = get(desk, "checkpoint", token).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&response, "cache-control"), "no-store");
    let checkpoint = Checkpoint::open(&response.text().await.unwrap(), &key).unwrap();
    assert!(checkpoint.size > 5, "{checkpoint:?}");

    let mut leaves = Vec::new();
    for bundle in entry_bundles(checkpoint.size) {
        let entries = tile(desk, &bundle, token, kept).await;
        leaves.extend(decode_entries(&entries).map(|entry| leaf_hash(entry.unwrap())));
    }
    let levels = Levels::new(leaves);
    assert_eq!(levels.root(), checkpoint.root);
    for hashes in hash_tiles(checkpoint.size) {
        assert_eq!(Some(tile(desk, &hashes, token, kept).await), levels.bytes(&hashes));
    }
    let next = format!("tile/0/000.p/{}", checkpoint.size + 50);
    for path in ["tile/0/001", "tile/1/000", "tile/0/0", "tile/bodies/000", "tile/", "bodies/000", &next] {
        assert_eq!(get(desk, path, token).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_person_with_a_token_follows_the_log() {
    let desk = desk(&[]).await;
    followed(&desk, Some(desk.ben.token()), "private").await;
    for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
        assert_eq!(get(&desk, path, None).await.status(), 401, "{path}");
        assert_eq!(get(&desk, path, Some("nonsense")).await.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn anybody_follows_a_public_log_and_sees_no_event() {
    let desk = desk(&[PUBLIC]).await;
    followed(&desk, None, "public").await;
    // The log alone is public.
    let client = Client::builder().no_proxy().build().unwrap();
    let checkpoint = client.get(format!("{}/api/trail/checkpoint", desk.address())).send().await.unwrap();
    assert_eq!(checkpoint.status(), 401);
}
