//! Tables that are Parquet files (cargo feature `parquet`): their own types, and the slice's rules over them.

use std::fs::File;
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, Int64Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use writ_core::definition::{Origin, Table};
use writ_core::value::Type;
use writ_knowledge::{Knowledge, QueryLimits};

use crate::support::{everything, only, rows, source, spec};

#[tokio::test]
async fn a_slice_of_a_parquet_file_holds_its_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(StringArray::from(vec!["o1", "o2", "o3"])) as _),
        ("customer", Arc::new(StringArray::from(vec!["c1", "c2", "c1"])) as _),
        ("n", Arc::new(Int64Array::from(vec![Some(3), Some(5), None])) as _),
        ("paid", Arc::new(BooleanArray::from(vec![true, false, true])) as _),
    ])
    .unwrap();
    let file = File::create(folder.path().join("orders.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let parquet = source("lake", Origin::Parquet(".".into()), &[("orders", Table::default())]);
    let knowledge = Knowledge::open(folder.path(), &[parquet]).unwrap();
    let table = knowledge.catalog().table("lake.orders").unwrap();
    let types: Vec<Type> = table.columns.iter().map(|column| column.ty.clone()).collect();
    assert_eq!(types, [Type::String, Type::String, Type::Long, Type::Bool]);

    let limits = QueryLimits::default();
    let whole = knowledge.slices(vec![spec("lake.orders", &["id", "n", "paid"], everything())]).unwrap();
    let all = rows(whole.query("SELECT id, n, paid FROM lake.orders", &limits).await);
    assert_eq!(all, r#"[["o1",3,true],["o2",5,false],["o3",null,true]]"#);

    let slice = knowledge.slices(vec![spec("lake.orders", &["id", "n"], only("customer", "c1", true))]).unwrap();
    // `1/(n-5)` would fail on the hidden row.
    let leak = rows(slice.query("SELECT id FROM lake.orders WHERE n IS NULL OR 1/(n-5) < 1", &limits).await);
    assert_eq!(leak, r#"[["o1"],["o3"]]"#);
}
