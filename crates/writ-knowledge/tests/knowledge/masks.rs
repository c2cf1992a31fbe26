//! Masks hold wherever a value could come out.

use writ_core::definition::{Mask, Origin};
use writ_knowledge::{Knowledge, KnowledgeError, QueryLimits, SliceSpec};

use crate::support::{everything, masked_spec, rows, source, spec, table};

fn people() -> (tempfile::TempDir, Knowledge) {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("people.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, card TEXT, born INTEGER, note TEXT);
             INSERT INTO people VALUES
                (1, 'ana@example.com', '4111111111111111', 1980, 'likes tea'),
                (2, 'bo@example.com', '1234', 1990, 'likes coffee'),
                (3, NULL, NULL, NULL, NULL);",
        )
        .unwrap();
    let source = source("hr", Origin::Sqlite("people.db".into()), &[("people", table(&[]))]);
    let knowledge = Knowledge::open(folder.path(), &[source]).unwrap();
    (folder, knowledge)
}

fn masked() -> SliceSpec {
    masked_spec(
        "hr.people",
        &[
            ("id", None),
            ("email", Some(Mask::Partial)),
            ("card", Some(Mask::Last4)),
            ("born", Some(Mask::Hash)),
            ("note", Some(Mask::Null)),
        ],
        everything(),
    )
}

#[tokio::test]
async fn values_are_shown_as_their_masks_say() {
    let (_folder, knowledge) = people();
    let slices = knowledge.slices(vec![masked()]).unwrap();
    let limits = QueryLimits::default();
    assert_eq!(
        rows(slices.query("SELECT id, email, card, note FROM hr.people", &limits).await),
        r#"[[1,"a**@example.com","************1111",null],[2,"b*@example.com","****",null],[3,null,null,null]]"#
    );
    let hashes = slices.query("SELECT born FROM hr.people WHERE born IS NOT NULL", &limits).await.unwrap().open();
    assert_eq!(hashes.columns[0].ty, "string");
    assert!(hashes.rows.iter().all(|row| row[0].as_str().unwrap().len() == 32));
    assert_ne!(hashes.rows[0], hashes.rows[1]);
}

#[tokio::test]
async fn filters_orders_and_searches_see_masks_alone() {
    let (_folder, knowledge) = people();
    let slices = knowledge.slices(vec![masked()]).unwrap();
    let limits = QueryLimits::default();
    for sql in [
        "SELECT id FROM hr.people WHERE email = 'ana@example.com'",
        "SELECT id FROM hr.people WHERE email LIKE 'an%'",
        "SELECT id FROM hr.people WHERE note IS NOT NULL",
        "SELECT id FROM hr.people WHERE card = '1234'",
        "SELECT id FROM hr.people WHERE born = '1980'",
    ] {
        assert_eq!(rows(slices.query(sql, &limits).await), "[]", "{sql}");
    }
    for word in ["ana", "tea", "1980", "4111111111111111"] {
        let found = slices.search("hr.people", word, 10, &limits).await.unwrap();
        assert_eq!(found.rows(), 0, "{word}");
    }
    assert_eq!(slices.search("hr.people", "example", 10, &limits).await.unwrap().rows(), 2);
}

#[tokio::test]
async fn a_hash_joins_within_a_run_and_not_across_runs() {
    let (_folder, knowledge) = people();
    let limits = QueryLimits::default();
    let hash = async |key: u8| {
        let spec = SliceSpec { hash_key: [key; 32], ..masked() };
        let slices = knowledge.slices(vec![spec]).unwrap();
        slices.query("SELECT born FROM hr.people WHERE id = 1", &limits).await.unwrap().open().rows[0][0].clone()
    };
    assert_eq!(hash(1).await, hash(1).await);
    assert_ne!(hash(1).await, hash(2).await);
}

#[test]
fn slices_of_what_is_not_there_are_refused() {
    let (_folder, knowledge) = people();
    let unknown = |spec| knowledge.slices(vec![spec]).unwrap_err();
    assert!(matches!(unknown(spec("hr.nosuch", &[], everything())), KnowledgeError::UnknownTable { .. }));
    assert!(matches!(unknown(spec("hr.people", &["nosuch"], everything())), KnowledgeError::UnknownColumn { .. }));
    assert!(matches!(unknown(spec("hr.people", &["id", "id"], everything())), KnowledgeError::Duplicate { .. }));
    let policy = crate::support::only("nosuch", "x", false);
    assert!(matches!(unknown(spec("hr.people", &["id"], policy)), KnowledgeError::UnknownColumn { .. }));
    let twice = vec![spec("hr.people", &["id"], everything()), spec("hr.people", &["id"], everything())];
    assert!(matches!(knowledge.slices(twice).unwrap_err(), KnowledgeError::Duplicate { .. }));
}
