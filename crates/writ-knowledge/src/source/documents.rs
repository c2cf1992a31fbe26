//! Folders of Markdown documents: each document a row of `path`, `title` and `body`.
//!
//! The path is relative to the collection, with `/` between folders. The title is the first heading, or the
//! file's name. Links are not followed and hidden files are not read, so a collection is what its folder
//! holds and nothing beside it.

use std::fs;
use std::path::{Path, PathBuf};

use writ_core::definition::Source;
use writ_core::value::Type;

use super::files::{FileTable, Format, LoadError, Rows, Stamp};
use super::{OpenedTable, Reader, definition};
use crate::cell::{Cell, ColumnSpec};
use crate::error::KnowledgeError;
use crate::limits::{DOCUMENT_FOLDERS_DEEP_MAX, DOCUMENTS_MAX, TEXT_BYTES_MAX};

/// Opens a folder and the collections that the definition names.
pub(crate) fn open(folder: &Path, source: &Source) -> Result<Vec<OpenedTable>, KnowledgeError> {
    source
        .tables
        .iter()
        .map(|(name, table)| {
            let full_name = format!("{}.{name}", source.source);
            let own = folder.join(table.stored_as.as_deref().unwrap_or(name));
            let path = if own.is_dir() { own } else { folder.to_owned() };
            let failed = |error: LoadError| error.for_table(&source.source, &full_name);
            let mut columns = columns();
            definition::apply(&full_name, &mut columns, table)?;
            if let Some(column) = columns.iter().find(|column| column.ty != Type::String) {
                return Err(KnowledgeError::BadColumn {
                    table: full_name.clone(),
                    column: column.name.clone(),
                    reason: "of a document is always text".to_owned(),
                });
            }
            let (documents, columns) = FileTable::load(path, Format::Documents, columns).map_err(failed)?;
            Ok(OpenedTable {
                name: name.clone(),
                columns: columns.into_iter().map(|column| ColumnSpec { nullable: false, ..column }).collect(),
                row_identity: vec!["path".to_owned()],
                documents: true,
                reader: Reader::Files(documents),
            })
        })
        .collect()
}

/// The columns of every collection.
pub(crate) fn columns() -> Vec<ColumnSpec> {
    ["path", "title", "body"]
        .into_iter()
        .map(|name| ColumnSpec {
            name: name.to_owned(),
            ty: Type::String,
            scale: None,
            nullable: false,
            labels: Vec::new(),
        })
        .collect()
}

/// One document's file.
struct Found {
    /// The path within the collection.
    name: String,
    file: PathBuf,
}

/// When each document was last changed.
pub(crate) fn stamp(folder: &Path) -> Result<Stamp, LoadError> {
    let stamped = |document: Found| match fs::metadata(&document.file) {
        Ok(file) => (document.name, file.modified().ok(), file.len()),
        Err(_) => (document.name, None, 0),
    };
    Ok(found(folder)?.into_iter().map(stamped).collect())
}

/// The documents, ordered by path. One that is too long or is no text has misfits in place of title and body.
pub(crate) fn load(folder: &Path) -> Result<Rows, LoadError> {
    let row = |document: Found| {
        let long = fs::metadata(&document.file).map_or(u64::MAX, |file| file.len());
        let readable = usize::try_from(long).is_ok_and(|long| long <= TEXT_BYTES_MAX);
        let body = if readable { fs::read_to_string(&document.file).ok() } else { None };
        let title = body.as_ref().map_or(Cell::Misfit, |body| Cell::string(&title(&document.name, body)));
        vec![Cell::string(&document.name), title, body.map_or(Cell::Misfit, |body| Cell::string(&body))]
    };
    Ok(found(folder)?.into_iter().map(row).collect())
}

fn unreadable(error: std::io::Error) -> LoadError {
    LoadError::Unreadable(error.to_string())
}

fn found(folder: &Path) -> Result<Vec<Found>, LoadError> {
    let mut documents = Vec::new();
    walk(folder, "", 0, &mut documents)?;
    documents.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(documents)
}

fn walk(folder: &Path, prefix: &str, depth: usize, documents: &mut Vec<Found>) -> Result<(), LoadError> {
    if depth > DOCUMENT_FOLDERS_DEEP_MAX {
        return Err(LoadError::TooLarge(format!("its folders nest deeper than {DOCUMENT_FOLDERS_DEEP_MAX}")));
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth.saturating_add(1), documents)?;
        } else if kind.is_file() && is_markdown(&name) {
            if documents.len() >= DOCUMENTS_MAX {
                return Err(LoadError::TooLarge(format!("it has more than {DOCUMENTS_MAX} documents")));
            }
            documents.push(Found { name: path, file: entry.path() });
        }
    }
    Ok(())
}

fn is_markdown(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown"))
}

fn title(name: &str, body: &str) -> String {
    body.lines()
        .find_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()))
        .filter(|heading| !heading.is_empty())
        .map_or_else(
            || Path::new(name).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            str::to_owned,
        )
}
