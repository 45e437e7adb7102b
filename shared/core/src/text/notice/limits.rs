//! Keeps a notice within what SNS takes, whatever it was made of, and says what was left out.
//!
//! It works on the notice's JSON, so that no field, now or later, can be missed.

use serde_json::Value;

use crate::model::clean::clean;
use crate::model::notice::Notice;

/// SNS takes 262,144 bytes with the attributes and the subject; these are below 8 KiB.
const LARGEST: usize = 256 * 1024 - 8 * 1024;

/// How much of a notice is kept, in characters of a text and items of a list: the whole of it first, then less and
/// less. The last always fits: some 110 texts of 80 characters, 4 bytes each at most, in six forms, is
/// 211 kB; and a digest, of 71, is never cut.
const STEPS: [(usize, usize); 7] =
    [(usize::MAX, usize::MAX), (16_000, 400), (4_000, 100), (1_000, 30), (400, 15), (200, 10), (80, 3)];

/// What `show` makes of the notice, or of as much of it as fits.
pub(super) fn fitting(notice: &Notice, show: fn(&Notice) -> String) -> String {
    let mut shown = String::new();
    for (text, items) in STEPS {
        shown = show(&reduced(notice, text, items));
        if shown.len() <= LARGEST {
            break;
        }
    }
    shown
}

/// The notice with every text cleaned and cut to `longest` characters, every list to `most` items.
fn reduced(notice: &Notice, longest: usize, most: usize) -> Notice {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(notice) else { return notice.clone() };
    let mut cut = Vec::new();
    for (name, value) in &mut fields {
        if let Value::Array(items) = value
            && items.len() > most
        {
            cut.push(format!("{name}: {} of {} left out", items.len() - most, items.len()));
            items.truncate(most);
        }
        let lost = reduce_texts(value, longest, most);
        if lost > 0 {
            cut.push(format!("{name}: {lost} characters left out"));
        }
    }
    let mut reduced: Notice = serde_json::from_value(Value::Object(fields)).unwrap_or_else(|_| notice.clone());
    reduced.cut.extend(cut);
    reduced
}

/// Cleans and cuts every text in the value, and every list within it; returns how many characters of texts went.
fn reduce_texts(value: &mut Value, longest: usize, most: usize) -> usize {
    match value {
        Value::String(text) => {
            let clean = clean(text);
            let lost = clean.chars().count().saturating_sub(longest);
            *text = shorten(&clean, longest);
            lost
        }
        Value::Array(items) => {
            items.truncate(most);
            items.iter_mut().map(|item| reduce_texts(item, longest, most)).sum()
        }
        Value::Object(members) => members.values_mut().map(|member| reduce_texts(member, longest, most)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// At most `longest` characters of the text, `longest` being 1 or more; where something is missing, it ends with an ellipsis.
pub fn shorten(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

/// The text in one line, without leading or trailing blanks, runs of blanks as one.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
