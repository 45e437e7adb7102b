//! The few forms of DynamoDB's condition and key condition expressions that are used, read and judged; no others.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::{invalid, refused};
use crate::world::refusal::{Members, Refusal, text};

/// What the `#names` and `:values` of an expression stand for.
pub(super) struct Scope {
    names: Members,
    values: Members,
    used: RefCell<BTreeSet<String>>,
}

/// Terms that must all hold.
#[derive(Debug)]
pub(super) struct Condition(Vec<Term>);

#[derive(Debug)]
enum Term {
    Exists(String),
    Missing(String),
    Equals(String, Value),
    BeginsWith(String, Value),
    Between(String, Value, Value),
}

impl Scope {
    pub(super) fn of(request: &Members) -> Result<Self, Refusal> {
        let map = |member: &str| request.get(member).and_then(Value::as_object).cloned().unwrap_or_default();
        let names = map("ExpressionAttributeNames");
        let values = map("ExpressionAttributeValues");
        Ok(Self { names, values, used: RefCell::default() })
    }

    /// DynamoDB refuses a name or a value that no expression uses.
    pub(super) fn all_used(&self) -> Result<(), Refusal> {
        let used = self.used.borrow();
        match self.names.keys().chain(self.values.keys()).find(|name| !used.contains(name.as_str())) {
            Some(name) => {
                Err(invalid(format!("Value provided in the expression's maps unused in expressions: {name}")))
            }
            None => Ok(()),
        }
    }

    fn name(&self, written: &str) -> Result<String, Refusal> {
        if written.starts_with('#') {
            self.used.borrow_mut().insert(written.to_owned());
            let name = text(&self.names, written);
            return name.map(str::to_owned).ok_or_else(|| {
                invalid(format!("An expression attribute name used in the document path is not defined: {written}"))
            });
        }
        if RESERVED.contains(&written.to_uppercase().as_str()) {
            return Err(invalid(format!("Attribute name is a reserved keyword; reserved keyword: {written}")));
        }
        let is_plain = written.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if is_plain { Ok(written.to_owned()) } else { Err(refused(format!("World reads no path {written}."))) }
    }

    fn value(&self, written: &str) -> Result<Value, Refusal> {
        self.used.borrow_mut().insert(written.to_owned());
        let value = self.values.get(written).cloned();
        value.ok_or_else(|| {
            invalid(format!("An expression attribute value used in expression is not defined: {written}"))
        })
    }
}

/// The reserved words that somebody is likely to use as a name here, of the developer guide's list.
const RESERVED: [&str; 16] = [
    "TTL",
    "STATUS",
    "NAME",
    "COUNT",
    "VALUE",
    "VALUES",
    "TIMESTAMP",
    "DATE",
    "STATE",
    "KEY",
    "HASH",
    "RANGE",
    "ITEM",
    "ITEMS",
    "RECORD",
    "ROLE",
];

impl Condition {
    /// Reads `attribute_not_exists(a)`, `attribute_exists(a)`, `a = :b`, `begins_with(a, :b)`, `a BETWEEN :b AND :c`, joined by
    /// `AND`.
    pub(super) fn parse(expression: &str, scope: &Scope) -> Result<Self, Refusal> {
        let mut parts = expression.split(" AND ").map(str::trim);
        let mut terms = Vec::new();
        while let Some(part) = parts.next() {
            // The next one is the end of the range.
            let last = part.contains(" BETWEEN ").then(|| parts.next().unwrap_or_default());
            terms.push(match last {
                Some(last) => Self::between(part, last, scope)?,
                None => Self::term(part, scope)?,
            });
        }
        Ok(Self(terms))
    }

    fn between(begin: &str, last: &str, scope: &Scope) -> Result<Term, Refusal> {
        match begin.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "BETWEEN", first] if first.starts_with(':') && last.starts_with(':') => {
                Ok(Term::Between(scope.name(name)?, scope.value(first)?, scope.value(last)?))
            }
            _ => Err(refused(format!("World reads no expression like {begin:?} AND {last:?}."))),
        }
    }

    fn term(term: &str, scope: &Scope) -> Result<Term, Refusal> {
        let unread = || refused(format!("World reads no expression like {term:?}."));
        if let Some((function, arguments)) = term.strip_suffix(')').and_then(|term| term.split_once('(')) {
            let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
            return match (function.trim(), arguments.as_slice()) {
                ("attribute_exists", [name]) => Ok(Term::Exists(scope.name(name)?)),
                ("attribute_not_exists", [name]) => Ok(Term::Missing(scope.name(name)?)),
                ("begins_with", [name, value]) => Ok(Term::BeginsWith(scope.name(name)?, scope.value(value)?)),
                _ => Err(unread()),
            };
        }
        match term.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "=", value] if value.starts_with(':') => Ok(Term::Equals(scope.name(name)?, scope.value(value)?)),
            _ => Err(unread()),
        }
    }

    /// Whether it holds for this item, or for there being none.
    pub(super) fn holds(&self, item: Option<&Members>) -> bool {
        let attribute = |name: &str| item.and_then(|item| item.get(name));
        self.0.iter().all(|term| match term {
            Term::Exists(name) => attribute(name).is_some(),
            Term::Missing(name) => attribute(name).is_none(),
            Term::Equals(name, value) => attribute(name) == Some(value),
            Term::BeginsWith(name, value) => {
                let begins = |there: &Value| Some(there["S"].as_str()?.starts_with(value["S"].as_str()?));
                attribute(name).and_then(begins).unwrap_or_default()
            }
            Term::Between(name, first, last) => attribute(name).is_some_and(|there| {
                // Only texts: their order is that of their bytes, and both ends count.
                let text = |value: &Value| value["S"].as_str().map(str::to_owned);
                text(there).is_some_and(|it| text(first) <= Some(it.clone()) && Some(it) <= text(last))
            }),
        })
    }

    /// The text that this attribute must be equal to.
    pub(super) fn equal_to(&self, attribute: &str) -> Option<String> {
        self.0.iter().find_map(|term| match term {
            Term::Equals(name, value) if name == attribute => value["S"].as_str().map(str::to_owned),
            _ => None,
        })
    }
}
