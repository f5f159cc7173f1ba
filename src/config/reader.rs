//! Takes values out of the layers, and collects what is wrong with them, each with its place.

use std::str::FromStr;
use std::sync::Arc;

use super::settings::{self, SETTINGS, Setting};
use super::{Input, Invalid};
use crate::diag::{Diagnostic, Diagnostics, Source, Span, nearest};
use crate::yaml::{Key, Node, Value};

/// Where something was written: in the file, or in a line made up for a variable or a flag.
#[derive(Debug, Clone)]
pub(super) struct Place {
    source: Arc<Source>,
    span: Span,
}

/// A value, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The map at a path of the file.
#[derive(Clone, Copy)]
pub(super) struct Section<'t> {
    path: &'static str,
    entries: &'t [(Key, Node)],
}

/// The layers, and what was found wrong in them.
pub(super) struct Reader<'a> {
    input: &'a Input<'a>,
    file: Arc<Source>,
    pub(super) problems: Diagnostics,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let file = input
            .file
            .clone()
            .unwrap_or_else(|| Arc::new(Source::new(super::FILE_NAME, "")));
        Self {
            input,
            file,
            problems: Diagnostics::default(),
        }
    }

    /// Adds a mistake.
    pub(super) fn refuse(&mut self, place: &Place, invalid: Invalid) {
        let diagnostic = Diagnostic::error(invalid.message).at(&place.source, place.span);
        self.problems.push(diagnostic.help(invalid.help));
    }

    /// Adds something to look at.
    pub(super) fn warn(&mut self, place: &Place, invalid: Invalid) {
        let diagnostic = Diagnostic::warning(invalid.message).at(&place.source, place.span);
        self.problems.push(diagnostic.help(invalid.help));
    }

    /// Puts the mistakes in the order of the file, and those of variables and flags behind.
    pub(super) fn sort_problems(&mut self) {
        let file = Arc::clone(&self.file);
        self.problems.0.sort_by_key(|problem| {
            let elsewhere = problem
                .source
                .as_ref()
                .is_none_or(|source| !Arc::ptr_eq(source, &file));
            let start = problem
                .span
                .filter(|_| !elsewhere)
                .map_or(0, |span| span.start);
            (elsewhere, start)
        });
    }

    pub(super) fn in_file(&self, span: Span) -> Place {
        Place {
            source: Arc::clone(&self.file),
            span,
        }
    }

    /// The map of a node; an empty one when nothing is written, or something else than a map.
    pub(super) fn section<'t>(
        &mut self,
        node: Option<&'t Node>,
        path: &'static str,
    ) -> Section<'t> {
        let Some(node) = node else {
            return Section { path, entries: &[] };
        };
        self.refuse_tag(node);
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            let names = settings::names_in(path);
            let what = if path.is_empty() {
                "the file".to_owned()
            } else {
                format!("`{path}`")
            };
            let diagnostic = node
                .error(&self.file, format!("{what} must be a map"))
                .label(format!("this is {}", node.kind()));
            self.problems.push(diagnostic.help(format!(
                "write keys and values, such as `{}: …`",
                names.first().unwrap_or(&"key")
            )));
        }
        for (key, _) in node.entries() {
            self.check_key(key, path);
        }
        Section {
            path,
            entries: node.entries(),
        }
    }

    fn check_key(&mut self, key: &Key, path: &str) {
        let names = settings::names_in(path);
        if names.contains(&key.text.as_str()) {
            return;
        }
        let message = match path {
            "" => format!("unknown key `{}`", key.text),
            "external_services[]" => format!("unknown key `{}` in an external service", key.text),
            path => format!("unknown key `{}` in `{path}`", key.text),
        };
        let help = hint_for(&key.text, path, &names);
        self.refuse(&self.in_file(key.span), Invalid::new(message, help));
    }

    /// Whether there is a tag, which is then a mistake.
    fn refuse_tag(&mut self, node: &Node) -> bool {
        let Some(tag) = &node.tag else { return false };
        let message = format!("the tag `{tag}` means nothing in settings");
        let invalid = Invalid::new(message, "write the value itself, without a tag");
        self.refuse(&self.in_file(node.span), invalid);
        true
    }

    /// A setting of the table, from the strongest layer that has it.
    pub(super) fn setting<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
    ) -> Option<Placed<T>> {
        let written = self.written(section, name);
        let setting = settings::find(&section.key(name)).expect("the table has every setting");
        match self.given_outside(setting) {
            Some((text, place)) => self.parsed(&text, place),
            None => written,
        }
    }

    /// A value that a flag or a variable says, for a setting that the file
    /// writes otherwise.
    pub(super) fn outside<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
    ) -> Option<Placed<T>> {
        let setting = settings::find(&section.key(name)).expect("the table has every setting");
        let (text, place) = self.given_outside(setting)?;
        self.parsed(&text, place)
    }

    /// A value of the file alone.
    pub(super) fn written<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
    ) -> Option<Placed<T>> {
        let node = section.get(name)?;
        if self.refuse_tag(node) {
            return None;
        }
        let Some(text) = node.as_str() else {
            self.refuse_shape(node, &section.key(name));
            return None;
        };
        self.parsed(text, self.in_file(node.span))
    }

    /// A list of values of the file alone.
    pub(super) fn written_list<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
    ) -> Option<Vec<T>> {
        let node = section.get(name)?;
        let Value::List(items) = &node.value else {
            let diagnostic = node
                .error(&self.file, format!("`{name}` must be a list"))
                .label(format!("this is {}", node.kind()))
                .help(format!(
                    "write `{name}: [{}]`",
                    node.as_str().unwrap_or("…")
                ));
            self.problems.push(diagnostic);
            return None;
        };
        let values: Vec<Option<T>> = items
            .iter()
            .map(|item| {
                let Some(text) = item.as_str() else {
                    self.refuse_shape(item, name);
                    return None;
                };
                let placed = self.parsed(text, self.in_file(item.span));
                placed.map(Placed::into_value)
            })
            .collect();
        values.into_iter().collect()
    }

    fn refuse_shape(&mut self, node: &Node, key: &str) {
        let name = key.rsplit('.').next().unwrap_or(key);
        let key = key.strip_prefix("external_services[].").unwrap_or(key);
        let diagnostic = if node.is_null() {
            node.error(&self.file, format!("`{key}` has no value"))
                .help("write one, or delete the line to have the default")
        } else {
            node.error(&self.file, format!("`{key}` must be one value"))
                .label(format!("this is {}", node.kind()))
                .help(format!("write `{name}: …` on one line"))
        };
        self.problems.push(diagnostic);
    }

    fn parsed<T: FromStr<Err = Invalid>>(&mut self, text: &str, place: Place) -> Option<Placed<T>> {
        match text.parse() {
            Ok(value) => Some(Placed { value, place }),
            Err(invalid) => {
                self.refuse(&place, invalid);
                None
            }
        }
    }

    /// What a flag or else a variable says. An empty variable says nothing.
    fn given_outside(&self, setting: &Setting) -> Option<(String, Place)> {
        let flag = setting
            .flag
            .and_then(|flag| Some((flag, self.input.overrides.given(flag)?)));
        if let Some((flag, text)) = flag {
            return Some(made_up("command line", &format!("{flag}="), text));
        }
        let look = |name: &&str| (self.input.environment)(name).filter(|text| !text.is_empty());
        let (name, text) = setting
            .variables
            .iter()
            .find_map(|name| Some((name, look(name)?)))?;
        Some(made_up("environment", &format!("{name}="), &text))
    }
}

/// The text, and its place in a line that shows where it came from.
fn made_up(origin: &str, before: &str, text: &str) -> (String, Place) {
    let source = Source::new(origin, format!("{before}{text}"));
    let span = Span::new(before.len(), source.text.len());
    (
        text.to_owned(),
        Place {
            source: Arc::new(source),
            span,
        },
    )
}

/// What to write instead of a key that nobody knows.
fn hint_for(word: &str, path: &str, names: &[&str]) -> String {
    if let Some(near) = nearest(word, names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let same = |setting: &&Setting| {
        setting.place().1 == word || setting.key == word || setting.variables.contains(&word)
    };
    if let Some(setting) = SETTINGS.iter().find(same) {
        return match setting.place() {
            ("", name) => format!("write `{name}: …`, beside `environment`"),
            ("external_services[]", name) => {
                format!("`{name}` belongs to an item of `external_services`")
            }
            (map, name) => format!("write it as `{name}: …` under `{map}`"),
        };
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let of = if path.is_empty() {
        "the keys are"
    } else {
        "its keys are"
    };
    format!("{of} {}", names.join(", "))
}

// === impl Section ===

impl<'t> Section<'t> {
    /// The path of a name in this map.
    fn key(self, name: &str) -> String {
        match self.path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    pub(super) fn get(self, name: &str) -> Option<&'t Node> {
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }
}

// === impl Placed ===

impl<T> Placed<T> {
    pub(super) fn into_value(self) -> T {
        self.value
    }
}
