//! What a tag looks like: words, numbers and commit SHAs, and the patterns that such tags fit.

use slipway_core::model::image::Tag;

/// A commit's SHA has so many digits, or the first of them.
const SHA: std::ops::RangeInclusive<usize> = 7..=40;

/// What orders tags of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A semantic version.
    Version,
    /// A number.
    Number,
    /// Numbers of the same width, as dates are.
    Date,
    /// The time of its push: it has a SHA.
    Sha,
    /// The time of its push: it has several numbers.
    Other,
}

/// A part of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(&'t str),
    Number(&'t str),
    Sha(&'t str),
}

/// A tag's parts; it has a number or a SHA.
#[derive(Clone, Debug)]
pub(crate) struct Shape<'t>(Vec<Part<'t>>);

impl<'t> Shape<'t> {
    /// Of a tag; `None` where it has neither a number nor a SHA: only words.
    pub(crate) fn of(tag: &'t Tag) -> Option<Self> {
        let shape = Self(parts(tag.as_str()));
        shape.0.iter().any(|part| !matches!(part, Part::Text(_))).then_some(shape)
    }

    /// Whether a tag is nothing but a number.
    pub(crate) fn is_number(tag: &Tag) -> bool {
        matches!(parts(tag.as_str()).as_slice(), [Part::Number(_)])
    }

    /// Whether a tag is nothing but a SHA, perhaps of digits only.
    pub(crate) fn is_sha(tag: &Tag) -> bool {
        may_be_sha(tag.as_str())
    }

    /// Whether a tag is nothing but numbers.
    pub(crate) fn is_date(tag: &Tag) -> bool {
        tag.as_str().bytes().all(|b| b.is_ascii_digit() || b"-_.".contains(&b))
    }

    /// Whether a tag has the same form: the same words, with other numbers and SHAs.
    pub(crate) fn fits(&self, tag: &Tag) -> bool {
        let other = parts(tag.as_str());
        let is_like = |(one, other): (&Part<'_>, &Part<'_>)| match (one, other) {
            (Part::Text(one), Part::Text(other)) => one == other,
            (Part::Number(_), Part::Number(_)) | (Part::Sha(_), Part::Sha(_)) => true,
            // A SHA may be of digits only.
            (Part::Sha(_), Part::Number(digits)) | (Part::Number(digits), Part::Sha(_)) => SHA.contains(&digits.len()),
            _ => false,
        };
        self.0.len() == other.len() && self.0.iter().zip(&other).all(is_like)
    }

    /// The patterns that tags like these fit, what says the most about their order first.
    pub(crate) fn patterns(&self, alike: &[&Tag]) -> Vec<(Kind, String)> {
        let numbers = self.0.iter().filter(|part| matches!(part, Part::Number(_))).count();
        let has_sha = self.0.iter().any(|part| matches!(part, Part::Sha(_)));
        let by_push = if has_sha { Kind::Sha } else { Kind::Other };
        match numbers {
            1 => {
                let mut patterns = vec![(Kind::Number, self.pattern(|_| "(?P<v>\\d+)".to_owned()))];
                // A number of seven digits and more at the end may be a SHA's beginning.
                if let [before @ .., Part::Number(digits)] = self.0.as_slice()
                    && SHA.contains(&digits.len())
                {
                    let parts = before.iter().copied().chain([Part::Sha(digits)]).collect();
                    patterns.push((Kind::Sha, Self(parts).pattern(|_| String::new())));
                }
                patterns
            }
            2.. if !has_sha && self.has_even_widths(alike) => vec![(Kind::Date, self.dated())],
            _ => vec![(by_push, self.pattern(|_| "\\d+".to_owned()))],
        }
    }

    /// Whether all numbers have the width that they have here, and those after the first have leading zeros or could have, as in
    /// dates: only then their text is ordered as they are.
    fn has_even_widths(&self, alike: &[&Tag]) -> bool {
        let widths = |parts: &[Part<'_>]| -> Vec<usize> {
            let number = |part: &Part<'_>| if let Part::Number(digits) = part { Some(digits.len()) } else { None };
            parts.iter().filter_map(number).collect()
        };
        let own = widths(&self.0);
        let is_dated = own.first().is_some_and(|first| *first >= 4) && own.iter().all(|width| *width >= 2);
        is_dated && alike.iter().all(|tag| widths(&parts(tag.as_str())) == own)
    }

    /// The whole pattern, with what stands for a number.
    fn pattern(&self, number: impl Fn(&str) -> String) -> String {
        let part = |part: &Part<'_>| match part {
            Part::Text(text) => text.replace('.', "\\."),
            Part::Number(digits) => number(digits),
            Part::Sha(_) => format!("[0-9a-f]{{{},{}}}", SHA.start(), SHA.end()),
        };
        format!("^{}$", self.0.iter().map(part).collect::<String>())
    }

    /// The pattern for dates: what is ordered begins with the first number and ends with the last.
    fn dated(&self) -> String {
        let is_number = |part: &Part<'_>| matches!(part, Part::Number(_));
        let first = self.0.iter().position(is_number).unwrap_or(0);
        let last = self.0.iter().rposition(is_number).unwrap_or(0);
        let digits = |digits: &str| format!("\\d{{{}}}", digits.len());
        let inner = |parts: &[Part<'_>]| {
            let pattern = Shape(parts.to_vec()).pattern(digits);
            pattern.trim_start_matches('^').trim_end_matches('$').to_owned()
        };
        let (before, after) = (inner(&self.0[..first]), inner(&self.0[last + 1..]));
        format!("^{before}(?P<v>{}){after}$", inner(&self.0[first..=last]))
    }
}

/// The parts of a tag, in its order.
fn parts(tag: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = tag;
    while !rest.is_empty() {
        let word = rest.find(['-', '_', '.']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        if may_be_sha(word) && !word.bytes().all(|b| b.is_ascii_digit()) {
            parts.push(Part::Sha(word));
        } else {
            parts.extend(numbers(word));
        }
        let sign = after.len().min(1);
        let (sign, after) = after.split_at(sign);
        if !sign.is_empty() {
            parts.push(Part::Text(sign));
        }
        rest = after;
    }
    joined(tag, parts)
}

/// Texts that stand side by side are one.
fn joined<'t>(tag: &'t str, parts: Vec<Part<'t>>) -> Vec<Part<'t>> {
    let mut joined: Vec<Part<'t>> = Vec::new();
    let mut at = 0;
    for part in parts {
        let (Part::Text(text) | Part::Number(text) | Part::Sha(text)) = part;
        let end = at + text.len();
        match (joined.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(_)) => *before = &tag[at - before.len()..end],
            _ => joined.push(part),
        }
        at = end;
    }
    joined
}

/// The numbers of a word, and what stands between them. A digit that belongs to a name, as in `prod2` and `eu1`, is none.
fn numbers(word: &str) -> Vec<Part<'_>> {
    let letters = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if !letters.is_empty() && !["v", "b", "r", "build", "release", "rc", "run", "rev"].contains(&letters) {
        return vec![Part::Text(word)];
    }
    let chunks = word.as_bytes().chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit());
    let mut at = 0;
    let part = |chunk: &[u8]| {
        let text = &word[at..at + chunk.len()];
        at += chunk.len();
        if chunk[0].is_ascii_digit() { Part::Number(text) } else { Part::Text(text) }
    };
    chunks.map(part).collect()
}

fn may_be_sha(word: &str) -> bool {
    SHA.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_the_patterns_that_fit_it() {
        let patterns = |tag: &str| {
            let tag = Tag::parse(tag).unwrap();
            let shape = Shape::of(&tag);
            let patterns = shape.map(|it| it.patterns(&[&tag])).unwrap_or_default();
            patterns.into_iter().map(|(kind, pattern)| format!("{kind:?} {pattern}")).collect::<Vec<_>>().join(" | ")
        };
        let tags = [
            "latest",
            "prod2",
            "4711",
            "20261121",
            "build-7",
            "v12",
            "0a1b2c3",
            "main-0a1b2c3",
            "sha-0a1b2c3",
            "main-1234567",
            "17-0a1b2c3",
            "main-0a1b2c3-1699999999",
            "2026-11-21",
            "20261121-1530",
            "release-2026.01.05",
            "1.2.3.4",
            "release-1.4.2",
            "2026.11.21-3",
            "web_7",
        ];
        let shown: Vec<String> = tags.iter().map(|tag| format!("{tag}: {}", patterns(tag))).collect();
        insta::assert_snapshot!("patterns", shown.join("\n"));
    }

    #[test]
    fn dates_of_uneven_width_are_ordered_by_their_push() {
        let tags = ["2026-11-21", "2026-9-1"].map(|tag| Tag::parse(tag).unwrap());
        let shape = Shape::of(&tags[0]).unwrap();
        assert_eq!(shape.patterns(&[&tags[0], &tags[1]]), [(Kind::Other, r"^\d+-\d+-\d+$".to_owned())]);
    }
}
