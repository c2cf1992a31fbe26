//! How large a SQL text may be, looked at before a parser sees it.
//!
//! The parser, and everything after it, walks a statement by recursion. It bounds some of its own recursion
//! and not all, so depth is bounded here, on the tokens: by brackets, by operators, and by refusing whatever
//! does not begin as a query does.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::{not_allowed, too_large};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::{SQL_DEPTH_MAX, SQL_OPERATORS_MAX, SQL_SELECTS_MAX, SQL_TOKENS_MAX, SQL_WITHS_MAX};

/// The tokens of a SQL text, which is within all limits.
pub(crate) fn tokens(sql: &str, sql_bytes_max: usize) -> Result<Vec<TokenWithSpan>, QueryError> {
    if sql.len() > sql_bytes_max {
        return Err(too_large(format!("is longer than {sql_bytes_max} bytes")));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| QueryError::new(QueryErrorCode::SqlSyntax, error.to_string()))?;
    let count = |is: &dyn Fn(&Token) -> bool| tokens.iter().filter(|token| is(&token.token)).count();
    let within = |count: usize, max: usize, what: &str| {
        if count > max { Err(too_large(format!("has more than {max} {what}"))) } else { Ok(()) }
    };
    within(count(&|token| !matches!(token, Token::Whitespace(_))), SQL_TOKENS_MAX, "words and signs")?;
    within(count(&is_operator), SQL_OPERATORS_MAX, "operators")?;
    within(count(&|token| is_keyword(token, &[Keyword::SELECT, Keyword::VALUES])), SQL_SELECTS_MAX, "`SELECT`s")?;
    within(count(&|token| is_keyword(token, &[Keyword::WITH])), SQL_WITHS_MAX, "`WITH`s")?;
    is_one_query(&tokens)?;
    is_shallow(&tokens)?;
    Ok(tokens)
}

/// Refuses what does not begin as a query does, and anything after its end, before the parser sees it.
fn is_one_query(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut tokens = tokens.iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_)));
    match tokens.find(|token| **token != Token::LParen) {
        Some(token) if is_keyword(token, &[Keyword::SELECT, Keyword::WITH, Keyword::VALUES]) => {}
        Some(Token::Word(word)) if word.keyword != Keyword::NoKeyword => {
            return Err(not_allowed("this kind of statement"));
        }
        _ => {
            return Err(QueryError::new(
                QueryErrorCode::SqlSyntax,
                "the SQL cannot be read: it begins with no `SELECT`",
            ));
        }
    }
    let mut rest = tokens.skip_while(|token| **token != Token::SemiColon);
    if rest.any(|token| !matches!(token, Token::SemiColon | Token::EOF)) {
        return Err(not_allowed("more than one statement"));
    }
    Ok(())
}

/// Refuses brackets that nest too deep: the parser does not count all of them.
fn is_shallow(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut depth = 0_usize;
    for token in tokens {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth = depth.saturating_add(1),
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > SQL_DEPTH_MAX {
            return Err(too_large(format!("nests deeper than {SQL_DEPTH_MAX} levels")));
        }
    }
    Ok(())
}

fn is_keyword(token: &Token, keywords: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if keywords.contains(&word.keyword))
}

/// Whether a token may make an expression one level deeper.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(_) => is_keyword(
            token,
            &[
                Keyword::AND,
                Keyword::AT,
                Keyword::BETWEEN,
                Keyword::COLLATE,
                Keyword::DIV,
                Keyword::ESCAPE,
                Keyword::EXCEPT,
                Keyword::ILIKE,
                Keyword::IN,
                Keyword::INTERSECT,
                Keyword::IS,
                Keyword::JOIN,
                Keyword::LIKE,
                Keyword::MATCH,
                Keyword::MEMBER,
                Keyword::MINUS,
                Keyword::NOT,
                Keyword::NOTNULL,
                Keyword::OPERATOR,
                Keyword::OR,
                Keyword::OVERLAPS,
                Keyword::REGEXP,
                Keyword::RLIKE,
                Keyword::SIMILAR,
                Keyword::UNION,
                Keyword::XOR,
            ],
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::Placeholder(_) => false,
        _ => true,
    }
}
