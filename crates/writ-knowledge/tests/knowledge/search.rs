//! Search finds what the run may read and ranks it as if nothing else were there.

use std::fs;
use std::path::Path;

use writ_core::definition::{Origin, Table};
use writ_knowledge::{Knowledge, QueryLimits, Slices};

use crate::support::{rows, shop, source, spec, under};

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join("desk").join("policies").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn slices(folder: &Path) -> Slices {
    let desk = source("desk", Origin::Documents("desk".into()), &[("policies", Table::default())]);
    let knowledge = Knowledge::open(folder, &[desk]).unwrap();
    knowledge.slices(vec![spec("desk.policies", &["path", "title", "body"], under("refunds/"))]).unwrap()
}

fn readable(folder: &Path) {
    write(folder, "refunds/late.md", "# Late refunds\n\nA refund is due within 30 days of the return.");
    write(folder, "refunds/fruit.md", "# Fruit\n\nApples may be returned. A refund of fruit is rare.");
    write(folder, "refunds/deep/other.md", "No heading here: crème brûlée.");
}

#[tokio::test]
async fn words_find_documents_by_stem_and_rank() {
    let folder = tempfile::tempdir().unwrap();
    readable(folder.path());
    let slices = slices(folder.path());
    let limits = QueryLimits::default();
    let found = slices.search("desk.policies", "refund", 10, &limits).await.unwrap();
    assert_eq!(found.labels().len(), 0);
    assert_eq!(found.columns_touched()[0].1, ["body", "path", "title"]);
    let found = found.open();
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["path", "title", "snippet", "score"]);
    // The path of every document has the word too; the title of one does.
    assert_eq!(found.rows[0][0], "refunds/late.md");
    assert_eq!(found.rows[0][1], "Late refunds");
    assert!(found.rows[0][2].as_str().unwrap().contains('['));
    let found = slices.search("desk.policies", "APPLE creme", 10, &limits).await.unwrap().open();
    let paths: Vec<&str> = found.rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 2);
    assert!(paths.contains(&"refunds/fruit.md") && paths.contains(&"refunds/deep/other.md"));
    assert_eq!(slices.search("desk.policies", "refund", 1, &limits).await.unwrap().rows(), 1);
}

#[tokio::test]
async fn hidden_documents_change_no_score() {
    let (alone, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    readable(alone.path());
    readable(beside.path());
    for at in 0..50 {
        write(beside.path(), &format!("board/{at}.md"), "# Refund refund\n\nApple refund merger refund.");
    }
    write(beside.path(), "board/refunds/late.md", "refunds/ is only the beginning of a path");
    let (alone, beside) = (slices(alone.path()), slices(beside.path()));
    let limits = QueryLimits::default();
    for words in ["refund", "apple", "merger", "refund apple days", "board"] {
        let one = rows(alone.search("desk.policies", words, 10, &limits).await);
        let other = rows(beside.search("desk.policies", words, 10, &limits).await);
        assert_eq!(one, other, "{words}");
    }
}

#[tokio::test]
async fn what_is_searched_for_is_no_query_language() {
    let folder = tempfile::tempdir().unwrap();
    readable(folder.path());
    let slices = slices(folder.path());
    let limits = QueryLimits::default();
    for hostile in [
        "\"",
        "refund\"",
        "* OR *",
        "NEAR(a b)",
        "title:refund",
        "^refund",
        "-refund",
        "a AND",
        "(((",
        "'; DROP TABLE slice; --",
        "\0",
    ] {
        assert!(slices.search("desk.policies", hostile, 10, &limits).await.is_ok(), "{hostile}");
    }
    assert_eq!(slices.search("desk.policies", "NOT", 10, &limits).await.unwrap().rows(), 0);
    let error = slices.search("desk.nosuch", "x", 10, &limits).await.unwrap_err();
    assert_eq!(error.code().as_str(), "sql_unknown_name");
    let error = slices.search("desk.policies", &"x ".repeat(20_000), 10, &limits).await.unwrap_err();
    assert_eq!(error.code().as_str(), "sql_too_large");
}

#[tokio::test]
async fn an_index_follows_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    readable(folder.path());
    let slices = slices(folder.path());
    let limits = QueryLimits::default();
    assert_eq!(slices.search("desk.policies", "pears", 10, &limits).await.unwrap().rows(), 0);
    write(folder.path(), "refunds/pears.md", "# Pears\n\nPears may not be returned.");
    assert_eq!(slices.search("desk.policies", "pears", 10, &limits).await.unwrap().rows(), 1);
    fs::remove_file(folder.path().join("desk/policies/refunds/pears.md")).unwrap();
    assert_eq!(slices.search("desk.policies", "pears", 10, &limits).await.unwrap().rows(), 0);
}

#[tokio::test]
async fn any_table_with_text_can_be_searched() {
    let (_folder, slices) = shop();
    let found = slices.search("shop.orders", "c1", 10, &QueryLimits::default()).await.unwrap().open();
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["order_id", "snippet", "score"]);
    assert_eq!(found.rows.len(), 3);
    let found = slices.search("shop.orders", "lost neither", 10, &QueryLimits::default()).await.unwrap();
    assert_eq!(found.rows(), 0);
}
