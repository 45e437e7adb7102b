//! A "no" in AWS's own words: the error's code, its message and its HTTP status.

use serde_json::{Map, Value, json};

/// An error answer of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error's code, `ClientException`.
    pub code: String,
    /// The sentence that goes with it.
    pub message: String,
    /// What else the answer's body says, such as the item that a condition failed on.
    pub besides: Vec<(String, Value)>,
}

impl Refusal {
    /// A refusal with status 400, which is what AWS gives to all that is the caller's fault.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), besides: Vec::new() }
    }

    /// ECS's `ClientException`.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// `InvalidParameterException`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The body of a JSON protocol's error answer.
    pub fn json(&self) -> Value {
        let mut body = json!({ "__type": self.code, "message": self.message });
        for (member, value) in &self.besides {
            body[member] = value.clone();
        }
        body
    }
}

/// What an operation answers.
pub type Answer = Result<Value, Refusal>;

/// A request's members.
pub type Members = Map<String, Value>;

/// A member's text, if there is one.
pub fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// A member's list of texts; empty if there is none.
pub fn texts(members: &Members, name: &str) -> Vec<String> {
    let values = members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A member's list of objects; empty if there is none.
pub fn objects<'a>(members: &'a Members, name: &str) -> Vec<&'a Members> {
    let values = members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    values.iter().filter_map(Value::as_object).collect()
}

/// A member's whole number, if there is one.
pub fn number(members: &Members, name: &str) -> Option<i64> {
    members.get(name).and_then(Value::as_i64)
}

/// A page of a list that gives at most so many entries at once; whoever asks for more, or for none, is refused.
pub fn bounded_page<T>(
    entries: Vec<T>,
    members: &Members,
    standard: usize,
    most: i64,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    match number(members, "maxResults") {
        Some(size) if !(1..=most).contains(&size) => {
            Err(Refusal::invalid(format!("maxResults must be between 1 and {most}.")))
        }
        _ => page(entries, members, standard),
    }
}

/// A page of a list and the token of the next one. The token is the number of entries before the page.
pub fn page<T>(entries: Vec<T>, members: &Members, standard: usize) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = number(members, "maxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(standard);
    let start = match text(members, "nextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| Refusal::invalid("The nextToken is not one of ours."))?,
    };
    let next = (start + size < entries.len()).then(|| (start + size).to_string());
    Ok((entries.into_iter().skip(start).take(size).collect(), next))
}
