//! Functions that make a text longer, bounded by what a cell may hold.
//!
//! Repeated in nested subqueries, joining and replacing could double a text with every level; a text that
//! would outgrow [`TEXT_BYTES_MAX`] fails the query instead.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, StringArray, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use crate::limits::TEXT_BYTES_MAX;

/// `concat`, which passes over lacking values, and `||`, which gives none where a side lacks one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concat {
    operator: bool,
    signature: Signature,
}

/// `replace(text, from, to)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Replace {
    signature: Signature,
}

impl Concat {
    pub(super) fn operator() -> Self {
        Self { operator: true, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub(super) fn function() -> Self {
        Self { operator: false, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Replace {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &str {
        if self.operator { "text_join" } else { "concat" }
    }

    /// The name of a result's column: as the function or the operator is written.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(if self.operator { args.join(" || ") } else { format!("concat({})", args.join(",")) })
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.is_empty() {
            return Err(DataFusionError::Plan("`concat` needs at least one argument".to_owned()));
        }
        as_text(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, |parts| {
            if self.operator && parts.iter().any(Option::is_none) {
                return Ok(None);
            }
            let length = parts.iter().flatten().fold(0_usize, |length, part| length.saturating_add(part.len()));
            bounded(length)?;
            Ok(Some(parts.iter().flatten().copied().collect()))
        })
    }
}

impl ScalarUDFImpl for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() != 3 {
            return Err(DataFusionError::Plan("`replace` needs a text, what to replace and by what".to_owned()));
        }
        as_text(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, |parts| match parts {
            [Some(text), Some(""), Some(_)] => Ok(Some((*text).to_owned())),
            [Some(text), Some(from), Some(to)] => {
                let found = text.matches(from).count();
                let removed = found.saturating_mul(from.len());
                bounded(text.len().saturating_sub(removed).saturating_add(found.saturating_mul(to.len())))?;
                Ok(Some(text.replace(from, to)))
            }
            _ => Ok(None),
        })
    }
}

fn as_text(types: &[DataType]) -> Result<Vec<DataType>> {
    match types.iter().find(|ty| ty.is_nested() || ty.is_binary()) {
        Some(ty) => Err(DataFusionError::Plan(format!("a value of type {ty} is no text"))),
        None => Ok(vec![DataType::Utf8; types.len()]),
    }
}

fn bounded(bytes: usize) -> Result<()> {
    if bytes > TEXT_BYTES_MAX {
        return Err(DataFusionError::Execution(format!("a text would be longer than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn each_row(
    args: &ScalarFunctionArgs,
    text: impl Fn(&[Option<&str>]) -> Result<Option<String>>,
) -> Result<ColumnarValue> {
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let columns = arrays.iter().map(|array| as_string_array(array)).collect::<Result<Vec<&StringArray>>>()?;
    let rows = columns.first().map_or(0, |column| column.len());
    let mut texts = StringBuilder::new();
    for at in 0..rows {
        let parts: Vec<Option<&str>> =
            columns.iter().map(|column| column.is_valid(at).then(|| column.value(at))).collect();
        texts.append_option(text(&parts)?);
    }
    let result: ArrayRef = Arc::new(texts.finish());
    if constant {
        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
    } else {
        Ok(ColumnarValue::Array(result))
    }
}
