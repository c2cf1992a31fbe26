//! What a tool of Writ answers, and how a worker reads it.
//!
//! Rows are read whether they come as objects or as lists beside a list of columns: a worker that depends on less
//! breaks less often. Nothing here is specific to the mission.

use serde_json::{Map, Value as Json};

use crate::error::WorkerError;

/// One row, by column.
pub(crate) type Row = Map<String, Json>;

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) tool: String,
    pub(crate) content: Json,
    pub(crate) is_error: bool,
}

/// A clear no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Answer {
    /// The refusal, where the answer is one.
    pub(crate) fn refused(&self) -> Option<Refused> {
        let refused = self.content.get("refused");
        if refused.is_none() && !self.is_error {
            return None;
        }
        let said = |member: &str| refused.and_then(|refused| refused.get(member)).and_then(Json::as_str);
        Some(Refused {
            code: said("code").unwrap_or("error").to_owned(),
            message: said("message").map_or_else(|| self.content.to_string(), str::to_owned),
        })
    }

    /// The answer, where it is none of a refusal.
    pub(crate) fn accepted(self) -> Result<Self, WorkerError> {
        match self.refused() {
            None => Ok(self),
            Some(Refused { code, message }) => Err(WorkerError::Refused { tool: self.tool, code, message }),
        }
    }

    /// The rows of a query's answer.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let columns: Vec<&str> = list(&self.content, "columns")
            .iter()
            .filter_map(|column| column.as_str().or_else(|| column.get("name")?.as_str()))
            .collect();
        let row = |row: &Json| match row {
            Json::Object(row) => Some(row.clone()),
            Json::Array(values) => {
                Some(columns.iter().map(|column| (*column).to_owned()).zip(values.iter().cloned()).collect())
            }
            _ => None,
        };
        list(&self.content, "rows").iter().filter_map(row).collect()
    }

    /// Every text under this name, wherever it stands.
    pub(crate) fn texts(&self, member: &str) -> Vec<String> {
        let mut found = Vec::new();
        for row in self.rows() {
            found.extend(row.get(member).and_then(Json::as_str).map(str::to_owned));
        }
        if found.is_empty() {
            collect(&self.content, member, &mut found);
        }
        found
    }
}

/// A text column of a row.
pub(crate) fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).and_then(Json::as_str).map(str::to_owned)
}

fn list<'a>(content: &'a Json, member: &str) -> &'a [Json] {
    content.get(member).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn collect(value: &Json, member: &str, found: &mut Vec<String>) {
    match value {
        Json::Object(members) => {
            found.extend(members.get(member).and_then(Json::as_str).map(str::to_owned));
            members.values().for_each(|value| collect(value, member, found));
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, member, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(content: Json, is_error: bool) -> Answer {
        Answer { tool: "knowledge_query".to_owned(), content, is_error }
    }

    #[test]
    fn rows_are_read_in_either_form() {
        let expected = json!({ "order_id": "#W1", "total": 5 });
        for content in [
            json!({ "rows": [{ "order_id": "#W1", "total": 5 }] }),
            json!({ "columns": ["order_id", "total"], "rows": [["#W1", 5]] }),
            json!({ "columns": [{ "name": "order_id" }, { "name": "total" }], "rows": [["#W1", 5]] }),
        ] {
            let rows = answer(content, false).rows();
            assert_eq!(rows.into_iter().map(Json::Object).collect::<Vec<_>>(), vec![expected.clone()]);
        }
        assert!(answer(json!({ "rows": [] }), false).rows().is_empty());
    }

    #[test]
    fn a_refusal_is_recognised_by_its_form_or_its_mark() {
        assert_eq!(answer(json!({ "rows": [] }), false).refused(), None);
        let refused = answer(json!({ "refused": { "code": "not_permitted", "message": "no" } }), true).refused();
        assert_eq!(refused, Some(Refused { code: "not_permitted".to_owned(), message: "no".to_owned() }));
        assert_eq!(answer(json!("broken"), true).refused().map(|refused| refused.code).as_deref(), Some("error"));
        assert!(answer(json!("broken"), true).accepted().is_err());
    }

    #[test]
    fn texts_are_found_in_rows_or_deeper() {
        let rows = json!({ "columns": ["title"], "rows": [["Returns"], ["Refunds"]] });
        assert_eq!(answer(rows, false).texts("title"), ["Returns", "Refunds"]);
        let deeper = json!({ "found": [{ "document": { "title": "Returns" } }] });
        assert_eq!(answer(deeper, false).texts("title"), ["Returns"]);
    }
}
