//! Every way to change one place of a document, for tests that demand that each of them is noticed.
//!
//! A document is taken as the JSON that it is written as, so nothing has to be said of its type, and a field that is
//! new is changed as soon as it is there. A field that is left out has no place: give a document in which every field
//! is.

use core::fmt;

use serde_json::Value;

/// What is done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// One more.
    Raised,
    /// One less.
    Lowered,
    /// Hexadecimal digits with another first digit.
    FirstDigit,
    /// Digits with another last digit.
    LastDigit,
    /// Hexadecimal digits of which none but zeros are left.
    Zeroed,
    /// A word with one letter more.
    Lengthened,
    /// A word for which another of its kind stands.
    OtherWord,
    /// Yes for no, or a number for nothing.
    Opposite,
    /// A field or an item of a list that is gone.
    Removed,
    /// An item of a list that is there twice.
    Repeated,
    /// An item of a list, or a field of it, that has changed places with that of the next item.
    Exchanged,
    /// A field more.
    Added,
}

/// Words that stand for one of a few things.
const WORDS: [&[&str]; 6] = [
    &["maintenance", "initial"],
    &["refused", "accepted"],
    &["cash", "spot", "perpetual", "future", "option"],
    &["down", "up"],
    &["collateral", "cross", "scenario"],
    &["call", "put"],
];

/// The field that is added.
const MORE: &str = "more";

/// How many hexadecimal digits are no number without `0x`.
const HEXADECIMAL: usize = 32;

/// A document of which one place was changed.
#[derive(Clone, Debug)]
pub struct Tampered {
    /// The place: `claim.statements[1].as_of`. The whole document is the empty place.
    pub place: String,
    /// What was done to it.
    pub change: Change,
    /// The document.
    pub document: Value,
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.place, self.change)
    }
}

/// A change that need not be noticed: the place, in which `[*]` stands for any index; which changes of it, any if none
/// is named; and why.
pub type Exempt<'a> = (&'a str, &'a [Change], &'a str);

/// Tries every change of a document, and returns those that were neither noticed nor exempt, and exemptions that no
/// change needed: nothing, if all is well.
pub fn unnoticed(document: &Value, exempt: &[Exempt<'_>], mut notices: impl FnMut(&Tampered) -> bool) -> Vec<String> {
    let mut needed = vec![false; exempt.len()];
    let mut found = Vec::new();
    for tampered in changes(document) {
        if notices(&tampered) {
            continue;
        }
        let anywhere = anywhere(&tampered.place);
        let matches = |(place, changes, _): &Exempt<'_>| {
            (*place == tampered.place || *place == anywhere)
                && (changes.is_empty() || changes.contains(&tampered.change))
        };
        match exempt.iter().position(matches) {
            Some(index) => needed[index] = true,
            None => found.push(tampered.to_string()),
        }
    }
    let unneeded = exempt.iter().zip(needed).filter(|(_, needed)| !needed);
    found.extend(
        unneeded.map(|((place, changes, reason), _)| format!("no need to exempt {place} {changes:?}: {reason}")),
    );
    found
}

/// Every change of a document, one at a time.
pub fn changes(document: &Value) -> impl Iterator<Item = Tampered> {
    let mut edits = Vec::new();
    collect(document, &mut Vec::new(), &mut edits);
    edits.into_iter().filter_map(move |edit| {
        let (place, change) = (describe(&edit.place()), edit.change);
        let mut changed = document.clone();
        edit.apply(&mut changed)?;
        Some(Tampered { place, change, document: changed })
    })
}

/// A step from a value into it.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// A change that has yet to be made.
struct Edit {
    /// The value that it is made in.
    at: Vec<Step>,
    change: Change,
    what: What,
}

/// What is done to a value.
enum What {
    Replace(Value),
    RemoveField(String),
    AddField,
    RemoveItem(usize),
    RepeatItem(usize),
    /// Exchanges what lies at this path in an item and in the next one.
    Exchange(usize, Vec<Step>),
}

impl Edit {
    fn place(&self) -> Vec<Step> {
        let below = match &self.what {
            What::Replace(_) | What::AddField => Vec::new(),
            What::RemoveField(key) => vec![Step::Key(key.clone())],
            What::RemoveItem(index) | What::RepeatItem(index) => vec![Step::Index(*index)],
            What::Exchange(index, path) => [&[Step::Index(*index)], path.as_slice()].concat(),
        };
        [self.at.as_slice(), &below].concat()
    }

    fn apply(self, document: &mut Value) -> Option<()> {
        let value = value_at(document, &self.at)?;
        match self.what {
            What::Replace(other) => *value = other,
            What::RemoveField(key) => drop(value.as_object_mut()?.remove(&key)),
            What::AddField => drop(value.as_object_mut()?.insert(MORE.to_owned(), Value::from(1))),
            What::RemoveItem(index) => drop(value.as_array_mut()?.remove(index)),
            What::RepeatItem(index) => {
                let items = value.as_array_mut()?;
                items.insert(index, items.get(index)?.clone());
            }
            What::Exchange(index, path) => {
                let (first, second) = value.as_array_mut()?.split_at_mut_checked(index + 1)?;
                let (first, second) = (first.last_mut()?, second.first_mut()?);
                core::mem::swap(value_at(first, &path)?, value_at(second, &path)?);
            }
        }
        Some(())
    }
}

fn collect(value: &Value, path: &mut Vec<Step>, edits: &mut Vec<Edit>) {
    let mut edit = |change, what| edits.push(Edit { at: path.clone(), change, what });
    match value {
        Value::Object(fields) => {
            edit(Change::Added, What::AddField);
            fields.keys().for_each(|key| edit(Change::Removed, What::RemoveField(key.clone())));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                edit(Change::Removed, What::RemoveItem(index));
                edit(Change::Repeated, What::RepeatItem(index));
                let next = items.get(index + 1);
                for (path, value) in parts(item) {
                    if next.and_then(|next| get(next, &path)).is_some_and(|other| other != value) {
                        edit(Change::Exchanged, What::Exchange(index, path));
                    }
                }
            }
        }
        leaf => others(leaf).into_iter().for_each(|(change, other)| edit(change, What::Replace(other))),
    }
    for (step, part) in steps(value) {
        path.push(step);
        collect(part, path, edits);
        path.pop();
    }
}

/// The values in a table or a list.
fn steps(value: &Value) -> Vec<(Step, &Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (Step::Index(index), item)).collect(),
        _ => Vec::new(),
    }
}

/// A value and all fields in it, but no items of lists.
fn parts(value: &Value) -> Vec<(Vec<Step>, &Value)> {
    let mut found = vec![(Vec::new(), value)];
    if value.is_object() {
        for (step, field) in steps(value) {
            let nested = parts(field).into_iter();
            found.extend(nested.map(|(path, value)| ([core::slice::from_ref(&step), path.as_slice()].concat(), value)));
        }
    }
    found
}

/// What else could stand there, of the same kind.
fn others(leaf: &Value) -> Vec<(Change, Value)> {
    match leaf {
        Value::Null => vec![(Change::Opposite, Value::from(1))],
        Value::Bool(flag) => vec![(Change::Opposite, Value::from(!flag))],
        Value::Number(number) => {
            let (signed, unsigned) = (number.as_i64(), number.as_u64());
            let more = |step: i64| {
                let signed = signed.and_then(|number| number.checked_add(step)).map(Value::from);
                signed.or_else(|| unsigned?.checked_add_signed(step).map(Value::from))
            };
            let changed = [(Change::Raised, more(1)), (Change::Lowered, more(-1))];
            changed.into_iter().filter_map(|(change, value)| Some((change, value?))).collect()
        }
        Value::String(text) => {
            other_texts(text).into_iter().map(|(change, text)| (change, Value::from(text))).collect()
        }
        Value::Array(_) | Value::Object(_) => Vec::new(),
    }
}

fn other_texts(text: &str) -> Vec<(Change, String)> {
    let (prefix, digits) = text.strip_prefix("0x").map_or(("", text), |digits| ("0x", digits));
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hexadecimal && (prefix == "0x" || digits.len() >= HEXADECIMAL) {
        let zeros = "0".repeat(digits.len());
        let mut changed =
            vec![(Change::FirstDigit, other_first_digit(digits)), (Change::LastDigit, other_last_digit(digits))];
        changed.extend((zeros != digits).then_some((Change::Zeroed, zeros)));
        return changed.into_iter().map(|(change, digits)| (change, format!("{prefix}{digits}"))).collect();
    }
    if let Ok(number) = text.parse::<i128>() {
        return vec![(Change::Raised, (number + 1).to_string()), (Change::Lowered, (number - 1).to_string())];
    }
    if text.parse::<f64>().is_ok() {
        return vec![(Change::LastDigit, other_last_digit(text))];
    }
    let kind = WORDS.iter().filter(|words| words.contains(&text)).copied().flatten();
    let words = kind.filter(|word| **word != text).map(|word| (Change::OtherWord, (*word).to_owned()));
    words.chain([(Change::Lengthened, format!("{text}x"))]).collect()
}

fn other_first_digit(text: &str) -> String {
    let mut digits = text.chars();
    digits.next().map(other_digit).into_iter().chain(digits).collect()
}

fn other_last_digit(text: &str) -> String {
    let mut digits = text.chars();
    let last = digits.next_back().map(other_digit);
    digits.chain(last).collect()
}

/// Another hexadecimal digit, which is decimal if this one is.
fn other_digit(digit: char) -> char {
    let other = digit.to_digit(16).and_then(|value| char::from_digit(value ^ 1, 16));
    other.unwrap_or('0')
}

fn get<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

fn value_at<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

fn describe(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
    };
    path.iter().map(step).collect::<String>().trim_start_matches('.').to_owned()
}

/// A place with `[*]` for every index.
fn anywhere(place: &str) -> String {
    let parts = place.split('[').enumerate();
    parts
        .map(|(position, part)| match part.split_once(']') {
            Some((_, rest)) if position > 0 => format!("[*]{rest}"),
            _ => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_place_is_changed() {
        let document = json!({ "a": 7, "b": ["up", "0x0f"] });
        let tried: Vec<_> = changes(&document).map(|tampered| format!("{tampered} {}", tampered.document)).collect();
        let expected = [
            r#": Added {"a":7,"b":["up","0x0f"],"more":1}"#,
            r#"a: Removed {"b":["up","0x0f"]}"#,
            r#"b: Removed {"a":7}"#,
            r#"a: Raised {"a":8,"b":["up","0x0f"]}"#,
            r#"a: Lowered {"a":6,"b":["up","0x0f"]}"#,
            r#"b[0]: Removed {"a":7,"b":["0x0f"]}"#,
            r#"b[0]: Repeated {"a":7,"b":["up","up","0x0f"]}"#,
            r#"b[0]: Exchanged {"a":7,"b":["0x0f","up"]}"#,
            r#"b[1]: Removed {"a":7,"b":["up"]}"#,
            r#"b[1]: Repeated {"a":7,"b":["up","0x0f","0x0f"]}"#,
            r#"b[0]: OtherWord {"a":7,"b":["down","0x0f"]}"#,
            r#"b[0]: Lengthened {"a":7,"b":["upx","0x0f"]}"#,
            r#"b[1]: FirstDigit {"a":7,"b":["up","0x1f"]}"#,
            r#"b[1]: LastDigit {"a":7,"b":["up","0x0e"]}"#,
            r#"b[1]: Zeroed {"a":7,"b":["up","0x00"]}"#,
        ];
        assert_eq!(tried, expected);
    }

    #[test]
    fn fields_of_items_change_places() {
        let document = json!([{ "a": { "b": "1.5", "c": true } }, { "a": { "b": "-1", "c": true } }]);
        let exchanged = changes(&document).filter(|tampered| tampered.change == Change::Exchanged);
        let places: Vec<_> = exchanged.map(|tampered| tampered.place).collect();
        assert_eq!(places, ["[0]", "[0].a", "[0].a.b"]);
        let leaves = changes(&document).filter(|tampered| tampered.place.ends_with(".b"));
        let others: Vec<_> = leaves.map(|tampered| tampered.document[0]["a"]["b"].clone()).collect();
        assert!(others.contains(&json!("1.4")), "{others:?}");
    }

    #[test]
    fn no_change_leaves_a_document_as_it_is() {
        let document = json!({ "a": [1, 2, "0x00"], "b": { "c": "word", "d": null, "e": "-12" }, "f": u64::MAX });
        assert!(changes(&document).all(|tampered| tampered.document != document));
        // No number is larger.
        assert_eq!(changes(&document).filter(|tampered| tampered.place == "f").count(), 2);
    }

    /// What looks at the first item alone does not see a change of the second.
    #[test]
    fn what_is_not_noticed_is_told_and_so_are_exemptions_without_need() {
        let document = json!({ "a": [{ "b": 1 }, { "b": 1 }], "c": 2 });
        let first = |tampered: &Tampered| tampered.document["a"][0] != document["a"][0] || tampered.document["c"] != 2;
        let found = unnoticed(&document, &[], first);
        assert!(found.contains(&"a[1].b: Raised".to_owned()), "{found:?}");
        assert!(!found.iter().any(|place| place.starts_with("a[0].b")), "{found:?}");
        let all: [Exempt<'_>; 4] = [
            ("a[*]", &[], "no second one is read"),
            ("a[1].b", &[], "no second one is read"),
            ("", &[Change::Added], "others may add to it"),
            ("c", &[Change::Raised], "it is looked at"),
        ];
        assert_eq!(unnoticed(&document, &all, first), ["no need to exempt c [Raised]: it is looked at"]);
    }
}
