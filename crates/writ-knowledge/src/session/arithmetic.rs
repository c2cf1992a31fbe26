//! Arithmetic of 64-bit integers that fails where the result does not fit.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::kernels::numeric::{add, mul, sub};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
}

/// The operation as a function of two integers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckedLong {
    operation: Operation,
    signature: Signature,
}

impl CheckedLong {
    pub(super) fn new(operation: Operation) -> Self {
        let types = vec![DataType::Int64, DataType::Int64];
        Self { operation, signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CheckedLong {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
        }
    }

    /// The name of a result's column: as the operator is written.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let operator = match self.operation {
            Operation::Add => " + ",
            Operation::Subtract => " - ",
            Operation::Multiply => " * ",
        };
        Ok(args.iter().map(|arg| arg.schema_name().to_string()).collect::<Vec<_>>().join(operator))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let sides = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = sides.as_slice() else {
            return Err(datafusion::error::DataFusionError::Internal("arithmetic has two sides".to_owned()));
        };
        let result: ArrayRef = match self.operation {
            Operation::Add => add(left, right)?,
            Operation::Subtract => sub(left, right)?,
            Operation::Multiply => mul(left, right)?,
        };
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }
}
