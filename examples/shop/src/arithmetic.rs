//! Exact arithmetic for the `calculate` tool: sums, products, quotients and parentheses over decimals.
//!
//! Works on fractions of whole numbers and rounds once, at the end, to two decimals (halves away from zero). Never
//! evaluates anything but this small grammar, and never recurses deeper than [`DEPTH_MAX`].

use thiserror::Error;

/// The longest expression that is read, in bytes.
const EXPRESSION_BYTES_MAX: usize = 500;
/// The deepest nesting of parentheses and signs.
const DEPTH_MAX: u32 = 40;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ArithmeticError {
    /// Something else stands where a number, sign or parenthesis should.
    #[error("the expression cannot be read at `{0}`; use numbers, + - * / and parentheses")]
    Unexpected(String),
    /// The expression is over before it is complete.
    #[error("the expression ends too early; close every parenthesis and end with a number")]
    Incomplete,
    /// A quotient has nothing to divide by.
    #[error("the expression divides by zero")]
    DivisionByZero,
    /// Too long, too deep, or a value that does not fit.
    #[error("the expression is too large; split it into smaller ones")]
    TooLarge,
}

/// Evaluates an expression and writes the result with at most two decimals.
pub(crate) fn evaluate(expression: &str) -> Result<String, ArithmeticError> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(ArithmeticError::TooLarge);
    }
    let mut parser = Parser { rest: expression, depth: 0 };
    let value = parser.sum()?;
    let left = parser.rest.trim();
    if left.is_empty() { value.to_text() } else { Err(ArithmeticError::Unexpected(left.to_owned())) }
}

/// A quotient of two whole numbers in lowest terms; `under` is always positive.
#[derive(Debug, Clone, Copy)]
struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    fn new(over: i128, under: i128) -> Option<Self> {
        let shared = i128::try_from(greatest_common_divisor(over.unsigned_abs(), under.unsigned_abs())).ok()?;
        let (over, under) = (over.checked_div(shared)?, under.checked_div(shared)?);
        if under < 0 {
            Some(Self { over: over.checked_neg()?, under: under.checked_neg()? })
        } else {
            Some(Self { over, under })
        }
    }

    fn plus(self, other: Self) -> Option<Self> {
        let left = self.over.checked_mul(other.under)?;
        let right = other.over.checked_mul(self.under)?;
        Self::new(left.checked_add(right)?, self.under.checked_mul(other.under)?)
    }

    fn negated(self) -> Option<Self> {
        Some(Self { over: self.over.checked_neg()?, under: self.under })
    }

    fn times(self, other: Self) -> Option<Self> {
        Self::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    fn divided_by(self, other: Self) -> Option<Self> {
        Self::new(self.over.checked_mul(other.under)?, self.under.checked_mul(other.over)?)
    }

    fn to_text(self) -> Result<String, ArithmeticError> {
        let hundredths = self.rounded_hundredths().ok_or(ArithmeticError::TooLarge)?;
        let sign = if self.over < 0 && hundredths > 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100);
        Ok(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    }

    /// The size in hundredths, rounded by adding one half and cutting off.
    fn rounded_hundredths(self) -> Option<u128> {
        let under = self.under.unsigned_abs();
        let doubled = self.over.unsigned_abs().checked_mul(200)?;
        doubled.checked_add(under)?.checked_div(under.checked_mul(2)?)
    }
}

fn greatest_common_divisor(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// A recursive-descent parser which evaluates as it goes.
struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<Fraction, ArithmeticError> {
        let mut total = self.product()?;
        loop {
            let change = if self.take('+') {
                Some(self.product()?)
            } else if self.take('-') {
                self.product()?.negated()
            } else {
                return Ok(total);
            };
            total = change.and_then(|change| total.plus(change)).ok_or(ArithmeticError::TooLarge)?;
        }
    }

    fn product(&mut self) -> Result<Fraction, ArithmeticError> {
        let mut total = self.factor()?;
        loop {
            let next = if self.take('*') {
                total.times(self.factor()?)
            } else if self.take('/') {
                let divisor = self.factor()?;
                if divisor.over == 0 {
                    return Err(ArithmeticError::DivisionByZero);
                }
                total.divided_by(divisor)
            } else {
                return Ok(total);
            };
            total = next.ok_or(ArithmeticError::TooLarge)?;
        }
    }

    fn factor(&mut self) -> Result<Fraction, ArithmeticError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ArithmeticError::TooLarge);
        }
        let value = if self.take('-') {
            self.factor()?.negated().ok_or(ArithmeticError::TooLarge)
        } else if self.take('+') {
            self.factor()
        } else if self.take('(') {
            let inner = self.sum()?;
            if self.take(')') { Ok(inner) } else { Err(self.unexpected()) }
        } else {
            self.number()
        };
        self.depth -= 1;
        value
    }

    fn number(&mut self) -> Result<Fraction, ArithmeticError> {
        let text = self.rest.trim_start();
        let end = text.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(text.len());
        let (literal, rest) = text.split_at(end);
        let (whole, fraction) = literal.split_once('.').unwrap_or((literal, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(self.unexpected());
        }
        self.rest = rest;
        let places = u32::try_from(fraction.len()).map_err(|_| ArithmeticError::TooLarge)?;
        let digits = format!("{whole}{fraction}").parse::<i128>().ok();
        let under = 10_i128.checked_pow(places);
        digits.zip(under).and_then(|(over, under)| Fraction::new(over, under)).ok_or(ArithmeticError::TooLarge)
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn unexpected(&self) -> ArithmeticError {
        match self.rest.trim() {
            "" => ArithmeticError::Incomplete,
            left => ArithmeticError::Unexpected(left.to_owned()),
        }
    }
}
