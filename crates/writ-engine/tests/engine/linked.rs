//! Who links and unlinks an integration is in the trail; whoever may not sign in links nothing.

use writ_core::code::Code;

use crate::desk::Desk;

#[tokio::test]
async fn linking_and_unlinking_are_recorded() {
    let desk = Desk::new().await;
    let leaves = || *desk.engine.follow().borrow();
    let before = leaves();
    desk.engine.record_linked("ana", "mail", vec!["mail:read".to_owned()]).await.unwrap();
    assert_eq!(leaves(), before + 1);
    desk.engine.record_unlinked("ana", "mail").await.unwrap();
    assert_eq!(leaves(), before + 2);
    for who in ["ben", "nobody", ""] {
        let refused = desk.engine.record_linked(who, "mail", Vec::new()).await.unwrap_err();
        assert_eq!(refused.code, Code::NotAuthenticated, "{who}");
    }
    assert_eq!(leaves(), before + 2);
    // A person who is disabled by now may have something to forget.
    desk.engine.record_unlinked("ben", "mail").await.unwrap();
    assert_eq!(leaves(), before + 3);
}
