//! Every kind of source, what it makes of its columns, and what it refuses.

use std::fs;

use writ_core::definition::{Column, ColumnType, Origin, Source, Table};
use writ_core::value::Type;
use writ_knowledge::{Knowledge, KnowledgeError, QueryLimits, Slices};

use crate::support::{everything, minor_units, only, rows, source, spec, table, typed};

fn all(knowledge: &Knowledge, name: &str) -> Slices {
    let columns: Vec<String> =
        knowledge.catalog().table(name).unwrap().columns.iter().map(|column| column.name.clone()).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    knowledge.slices(vec![spec(name, &columns, everything())]).unwrap()
}

fn types(knowledge: &Knowledge, name: &str) -> Vec<(String, Type, bool)> {
    let table = knowledge.catalog().table(name).unwrap();
    table.columns.iter().map(|column| (column.name.clone(), column.ty.clone(), column.nullable)).collect()
}

#[tokio::test]
async fn csv_files_are_text_unless_the_definition_says_more() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("orders.csv"),
        "id,customer,total,cents,paid,placed,n\n\
         o1,c1,12.50,1250,true,2026-01-01,3\n\
         o2,c2,not a number,1,maybe,never,x\n\
         o3,c1,,99,0,2026-01-02T00:00:00Z,-4\n\
         o4,c1,\"1\n",
    )
    .unwrap();
    let columns = [
        ("total", typed(ColumnType::Decimal)),
        ("cents", minor_units(2)),
        ("paid", typed(ColumnType::Bool)),
        ("placed", typed(ColumnType::Datetime)),
        ("n", typed(ColumnType::Long)),
    ];
    let csv = source("files", Origin::Csv(".".into()), &[("orders", table(&columns))]);
    let knowledge = Knowledge::open(folder.path(), &[csv]).unwrap();
    assert_eq!(types(&knowledge, "files.orders")[0], ("id".to_owned(), Type::String, false));
    assert_eq!(types(&knowledge, "files.orders")[2], ("total".to_owned(), Type::Decimal, true));
    assert_eq!(types(&knowledge, "files.orders")[6], ("n".to_owned(), Type::Long, false));
    let slices = all(&knowledge, "files.orders");
    let limits = QueryLimits::default();
    let withheld = slices.query("SELECT * FROM files.orders", &limits).await.unwrap();
    // o2 fits no type and o4 has no more columns.
    assert_eq!(withheld.failed_rows(), 2);
    assert_eq!(
        rows(slices.query("SELECT id, total, cents, paid, placed, n FROM files.orders", &limits).await),
        r#"[["o1","12.5","12.5",true,"2026-01-01T00:00:00Z",3],["o3",null,"0.99",false,"2026-01-02T00:00:00Z",-4]]"#
    );
    assert_eq!(
        rows(slices.query("SELECT id FROM files.orders WHERE total = 12.5 AND n > 0", &limits).await),
        r#"[["o1"]]"#
    );

    // A row that changes is read anew.
    fs::write(folder.path().join("orders.csv"), "n,id,customer,total,cents,paid,placed\n7,o9,c1,1,1,1,2026-01-01\n")
        .unwrap();
    assert_eq!(rows(slices.query("SELECT id, n FROM files.orders", &limits).await), r#"[["o9",7]]"#);
    fs::write(folder.path().join("orders.csv"), "id\no9\n").unwrap();
    let error = slices.query("SELECT id FROM files.orders", &limits).await.unwrap_err();
    assert_eq!(error.code().as_str(), "source_unavailable");
    assert!(error.operator_detail().unwrap().contains("the header has no `customer`"));
    assert!(!error.to_string().contains("header"));
}

#[tokio::test]
async fn json_lines_tell_their_types() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("events.jsonl"),
        "{\"id\":\"e1\",\"n\":1,\"price\":1.5,\"ok\":true,\"nested\":{\"a\":1},\"mixed\":1,\"cents\":150}\n\
         \n\
         {\"id\":\"e2\",\"n\":null,\"price\":2,\"ok\":false,\"mixed\":\"x\",\"cents\":1,\"late\":\"yes\"}\n\
         this is no JSON\n\
         {\"id\":3,\"n\":3,\"price\":0.1,\"ok\":true,\"cents\":2}\n",
    )
    .unwrap();
    let json = source("files", Origin::Json(".".into()), &[("events", table(&[("cents", minor_units(2))]))]);
    let knowledge = Knowledge::open(folder.path(), &[json]).unwrap();
    // `id` has two types, so it is no column unless the definition says so.
    assert_eq!(
        types(&knowledge, "files.events"),
        [
            ("n".to_owned(), Type::Long, true),
            ("price".to_owned(), Type::Decimal, false),
            ("ok".to_owned(), Type::Bool, false),
            ("cents".to_owned(), Type::Decimal, false),
            ("late".to_owned(), Type::String, true),
        ]
    );
    let slices = all(&knowledge, "files.events");
    let found = slices.query("SELECT n, price, cents FROM files.events ORDER BY price", &QueryLimits::default()).await;
    assert_eq!(rows(found), r#"[[3,"0.1","0.02"],[1,"1.5","1.5"],[null,"2.0","0.01"]]"#);

    let columns = [("id", typed(ColumnType::String))];
    let json = source("files", Origin::Json(".".into()), &[("events", table(&columns))]);
    let knowledge = Knowledge::open(folder.path(), &[json]).unwrap();
    let slices = all(&knowledge, "files.events");
    let found = slices.query("SELECT id FROM files.events", &QueryLimits::default()).await;
    assert_eq!(rows(found), r#"[["e1"],["e2"]]"#);
}

#[tokio::test]
async fn documents_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("docs/a/b")).unwrap();
    fs::write(folder.path().join("docs/one.md"), "intro\n## The first *one*\n\ntext").unwrap();
    fs::write(folder.path().join("docs/a/b/two.MD"), "no heading").unwrap();
    fs::write(folder.path().join("docs/a/b/notes.txt"), "not a document").unwrap();
    fs::write(folder.path().join("docs/.hidden.md"), "not read").unwrap();
    fs::write(folder.path().join("docs/latin.md"), [0xe9, 0x20]).unwrap();
    let documents = source("kb", Origin::Documents("docs".into()), &[("all", Table::default())]);
    let knowledge = Knowledge::open(folder.path(), &[documents]).unwrap();
    assert!(knowledge.catalog().table("kb.all").unwrap().documents);
    let slices = all(&knowledge, "kb.all");
    let limits = QueryLimits::default();
    let withheld = slices.query("SELECT path, title FROM kb.all", &limits).await.unwrap();
    assert_eq!(withheld.failed_rows(), 1);
    assert_eq!(
        rows(slices.query("SELECT path, title FROM kb.all", &limits).await),
        r#"[["a/b/two.MD","two"],["one.md","The first *one*"]]"#
    );
}

#[tokio::test]
async fn sqlite_declares_its_types() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE t (
                a INTEGER PRIMARY KEY, b TEXT NOT NULL, c BOOLEAN, d REAL, e DECIMAL(10, 2), f DATETIME, g VARCHAR(9),
                h BLOB, i TIMESTAMP, j BIGINT, k, l AS (a + 1)
             );
             CREATE VIEW v AS SELECT a, b FROM t;
             INSERT INTO t VALUES (1, 'x', 1, 0.1, '12.34', '2026-01-01', 'g', 'blob as text', '2026-01-01 10:00:00Z', 5, NULL);
             INSERT INTO t VALUES (2, 'x', 2, 0.1, 1, '2026-01-01', 'g', NULL, NULL, 5, NULL);
             INSERT INTO t VALUES (3, 'x', 1, 0.30000000000000004, 1, '2026-01-01', 'g', NULL, NULL, 5, NULL);",
        )
        .unwrap();
    let sqlite = source("db", Origin::Sqlite("t.db".into()), &[("t", table(&[])), ("v", table(&[]))]);
    let knowledge = Knowledge::open(folder.path(), &[sqlite]).unwrap();
    let found: Vec<Type> = types(&knowledge, "db.t").into_iter().map(|(_, ty, _)| ty).collect();
    assert_eq!(
        found,
        [
            Type::Long,
            Type::String,
            Type::Bool,
            Type::Decimal,
            Type::Decimal,
            Type::Datetime,
            Type::String,
            Type::String,
            Type::Datetime,
            Type::Long,
            Type::String,
            Type::String,
        ]
    );
    assert_eq!(knowledge.catalog().table("db.t").unwrap().row_identity, ["a"]);
    let columns = ["a", "c", "d", "e", "f", "h", "i"];
    let slices =
        knowledge.slices(vec![spec("db.t", &columns, everything()), spec("db.v", &["a"], everything())]).unwrap();
    let limits = QueryLimits::default();
    // Row 2 has a boolean of 2, row 3 a double that is no decimal of four places.
    assert_eq!(
        rows(slices.query("SELECT * FROM db.t", &limits).await),
        r#"[[1,true,"0.1","12.34","2026-01-01T00:00:00Z","blob as text","2026-01-01T10:00:00Z"]]"#
    );
    assert_eq!(rows(slices.query("SELECT count(*) FROM db.v", &limits).await), "[[3]]");
}

#[test]
fn what_a_definition_names_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(folder.path().join("t.db"))
        .unwrap()
        .execute_batch("CREATE TABLE t (a INTEGER)")
        .unwrap();
    fs::write(folder.path().join("c.csv"), "a,b\n1,2\n").unwrap();
    let sqlite = |tables: &[(&str, Table)]| source("db", Origin::Sqlite("t.db".into()), tables);
    let open = |source: Source| Knowledge::open(folder.path(), &[source]).unwrap_err();

    let error = open(sqlite(&[("nosuch", table(&[]))]));
    assert_eq!(error.to_string(), "there is no table `db.nosuch`: the database has `t`");
    let error = open(sqlite(&[("t", table(&[("b", typed(ColumnType::Long))]))]));
    assert_eq!(error.to_string(), "table `db.t` has no column `b`: it has `a`");
    let error = open(sqlite(&[("t", table(&[("a", minor_units(5))]))]));
    assert!(matches!(error, KnowledgeError::BadColumn { .. }), "{error}");
    let scaled_text = Column { ty: Some(ColumnType::String), scale: Some(2), labels: Vec::new() };
    assert!(matches!(open(sqlite(&[("t", table(&[("a", scaled_text)]))])), KnowledgeError::BadColumn { .. }));
    let missing = source("db", Origin::Sqlite("missing.db".into()), &[("t", table(&[]))]);
    assert!(matches!(open(missing), KnowledgeError::SourceUnavailable { .. }));
    let csv =
        |name: &str, columns: &[(&str, Column)]| source("files", Origin::Csv(".".into()), &[(name, table(columns))]);
    assert!(matches!(open(csv("nosuch", &[])), KnowledgeError::UnknownTable { .. }));
    assert!(matches!(open(csv("c", &[("z", typed(ColumnType::Long))])), KnowledgeError::UnknownColumn { .. }));
    let twice = [sqlite(&[("t", table(&[]))]), sqlite(&[("t", table(&[]))])];
    assert!(matches!(Knowledge::open(folder.path(), &twice).unwrap_err(), KnowledgeError::Duplicate { .. }));
    #[cfg(not(feature = "parquet"))]
    assert!(matches!(
        open(source("lake", Origin::Parquet(".".into()), &[("t", table(&[]))])),
        KnowledgeError::NotBuiltIn { .. }
    ));
}

/// A source is read where it is, and never written.
#[tokio::test]
async fn a_database_is_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (a TEXT, owner TEXT); INSERT INTO t VALUES ('x', 'c1')")
        .unwrap();
    let before = fs::read(&path).unwrap();
    let sqlite = source("db", Origin::Sqlite("t.db".into()), &[("t", table(&[]))]);
    let knowledge = Knowledge::open(folder.path(), &[sqlite]).unwrap();
    let slices = knowledge.slices(vec![spec("db.t", &["a"], only("owner", "c1", true))]).unwrap();
    assert_eq!(rows(slices.query("SELECT a FROM db.t", &QueryLimits::default()).await), r#"[["x"]]"#);
    assert_eq!(fs::read(&path).unwrap(), before);
    // A writer beside it is seen by the next read.
    rusqlite::Connection::open(&path).unwrap().execute_batch("UPDATE t SET a = 'y'").unwrap();
    assert_eq!(rows(slices.query("SELECT a FROM db.t", &QueryLimits::default()).await), r#"[["y"]]"#);
}
