//! Definitions are reloaded as a whole or not at all: where an integration is to be reached otherwise, the server says
//! that it has to be restarted, and goes on as before.

use writ_tests::story::{REFUND, refund};
use writ_tests::{Desk, wait};

const SHOP: &str = "integrations/shop.yaml";

#[tokio::test]
async fn another_way_to_an_integration_is_not_taken_for_the_one_that_is_there() {
    let desk = Desk::open().await;
    let worker = desk.run().await;
    let group = ("people.yaml", "name: Ana Prieto, groups: [support]", "name: Ana Prieto, groups: []");
    desk.acme.edit(group);
    desk.acme.edit((SHOP, "data/shop.db]", "data/shop.db, --token, swordfish]"));
    desk.server.signal("HUP");
    let refused = "`from.stdio.args` of integration `shop` changed, which is taken up when Writ starts";
    wait::until("the definitions are refused", async || desk.server.log().contains(refused).then_some(())).await;
    let log = desk.server.log();
    assert!(log.contains("the old ones stay in force") && log.contains("restart Writ"), "{log}");
    assert!(!log.contains("swordfish"), "{log}");
    // Nothing else of them holds either, until they can.
    worker.propose(REFUND, refund(240)).await;
    desk.acme.edit((SHOP, "data/shop.db, --token, swordfish]", "data/shop.db]"));
    desk.reload().await;
    worker.call(REFUND, refund(100)).await.refused("fact_missing");
}
