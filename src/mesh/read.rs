//! Reads evaluated properties, keeping the path for messages and collecting
//! every problem rather than the first.
//!
//! CloudFormation hands numbers and booleans over as text when they come from
//! parameters, so both forms are taken.

use std::{cell::RefCell, collections::BTreeSet, ops::RangeInclusive};

use serde_json::{Map, Value};

use super::{Problem, Severity};

/// Where the problems of one resource are collected.
#[derive(Debug)]
pub(crate) struct Log {
    resource: String,
    problems: RefCell<Vec<Problem>>,
}

impl Log {
    pub(crate) fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            problems: RefCell::default(),
        }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    fn error(&self, path: &str, message: impl Into<String>, help: Option<String>) {
        self.problems.borrow_mut().push(Problem {
            severity: Severity::Error,
            resource: self.resource.clone(),
            path: path.to_owned(),
            message: message.into(),
            help,
        });
    }
}

/// A value and the path that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    value: &'a Value,
    path: String,
    log: &'a Log,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(crate) fn new(value: &'a Value, log: &'a Log) -> Self {
        Self {
            value,
            path: String::new(),
            log,
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) {
        self.log.error(&self.path, message, None);
    }

    pub(crate) fn error_with_help(&self, message: impl Into<String>, help: impl Into<String>) {
        self.log.error(&self.path, message, Some(help.into()));
    }

    fn child(&self, value: &'a Value, step: &str) -> Self {
        let path = match (self.path.is_empty(), step.starts_with('[')) {
            (true, _) => step.to_owned(),
            (false, true) => format!("{}{step}", self.path),
            (false, false) => format!("{}.{step}", self.path),
        };
        Self {
            value,
            path,
            log: self.log,
        }
    }

    /// The value as a map whose every key must be asked for before `finish`.
    pub(crate) fn object(&self) -> Option<Fields<'a>> {
        let Value::Object(map) = self.value else {
            self.error(format!("expected a map, found {}", kind(self.value)));
            return None;
        };
        Some(Fields {
            reader: self.clone(),
            map,
            asked: BTreeSet::new(),
        })
    }

    pub(crate) fn list(&self) -> Option<Vec<Reader<'a>>> {
        let Value::Array(items) = self.value else {
            self.error(format!("expected a list, found {}", kind(self.value)));
            return None;
        };
        let readers = items.iter().enumerate();
        Some(
            readers
                .map(|(index, item)| self.child(item, &format!("[{index}]")))
                .collect(),
        )
    }

    /// Reads each item, leaving out those that are wrong (and told).
    pub(crate) fn each<T>(&self, read: impl Fn(&Reader<'a>) -> Option<T>) -> Option<Vec<T>> {
        Some(self.list()?.iter().filter_map(read).collect())
    }

    /// Like `each`, for a list that must have a number of items.
    pub(crate) fn some<T>(
        &self,
        count: RangeInclusive<usize>,
        read: impl Fn(&Reader<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.list()?;
        if !count.contains(&items.len()) {
            let (low, high) = (count.start(), count.end());
            self.error(format!(
                "takes {low} to {high} items, found {}",
                items.len()
            ));
        }
        Some(items.iter().filter_map(read).collect())
    }

    pub(crate) fn string(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => {
                self.error(format!("expected text, found {}", kind(self.value)));
                None
            }
        }
    }

    /// Text of a length, counted in characters.
    pub(crate) fn text(&self, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.string()?;
        let (low, high) = (length.start(), length.end());
        if !length.contains(&text.chars().count()) {
            self.error(format!("takes {low} to {high} characters"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.error("expected `true` or `false`");
                None
            }
        }
    }

    pub(crate) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let number = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            self.error(format!(
                "expected a whole number, found {}",
                kind(self.value)
            ));
            return None;
        };
        if !range.contains(&number) {
            let (low, high) = (range.start(), range.end());
            self.error(format!("{number} is not between {low} and {high}"));
            return None;
        }
        Some(number)
    }

    pub(crate) fn unsigned(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = self.integer(i64::from(*range.start())..=i64::from(*range.end()))?;
        u32::try_from(number).ok()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        u16::try_from(self.integer(1..=65535)?).ok()
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string()?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<String> = choices
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            self.error(format!("`{text}` is not one of {}", words.join(", ")));
        }
        found.map(|(_, choice)| *choice)
    }
}

/// The keys of a map, with those that were asked for.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    reader: Reader<'a>,
    map: &'a Map<String, Value>,
    asked: BTreeSet<&'static str>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Reader<'a>> {
        self.asked.insert(key);
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(self.reader.child(value, key))
    }

    pub(crate) fn required(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let found = self.optional(key);
        if found.is_none() {
            self.reader.error(format!("`{key}` is missing"));
        }
        found
    }

    /// The one of these keys that is there; they exclude each other.
    pub(crate) fn union(&mut self, keys: &[&'static str]) -> Option<(&'static str, Reader<'a>)> {
        let found: Vec<_> = keys
            .iter()
            .filter_map(|key| Some((*key, self.optional(key)?)))
            .collect();
        if let [(one, _), (other, _), ..] = found.as_slice() {
            self.error(format!("`{one}` and `{other}` exclude each other"));
        }
        found.into_iter().next()
    }

    pub(crate) fn required_union(
        &mut self,
        keys: &[&'static str],
    ) -> Option<(&'static str, Reader<'a>)> {
        let found = self.union(keys);
        if found.is_none() {
            let words: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            self.reader
                .error(format!("needs one of {}", words.join(", ")));
        }
        found
    }

    /// Refuses a property that App Mesh has, but that cannot be run here yet.
    pub(crate) fn unsupported(&mut self, key: &'static str, instead: &str) {
        if let Some(found) = self.optional(key) {
            found.error_with_help(format!("`{key}` is not supported yet"), instead);
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) {
        self.reader.error(message);
    }

    /// Tells the keys that nobody asked for.
    pub(crate) fn finish(self) {
        for key in self
            .map
            .keys()
            .filter(|key| !self.asked.contains(key.as_str()))
        {
            let near = self
                .asked
                .iter()
                .find(|asked| asked.eq_ignore_ascii_case(key));
            let message = format!("there is no property `{key}` here");
            let known: Vec<&str> = self.asked.iter().copied().collect();
            let help = match near {
                Some(near) => format!("did you mean `{near}`"),
                None => format!("there are {}", known.join(", ")),
            };
            self.reader.error_with_help(message, help);
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
