//! Access logs in files.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use super::{Extension, HeaderMatcher};

message!(AccessLog {
    name: &'static str,
    filter: Option<AccessLogFilter>,
    typed_config: Box<super::Typed>,
});

/// Which entries are written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are Envoy's")]
pub(crate) enum AccessLogFilter {
    HeaderFilter(HeaderFilter),
    ExtensionFilter(Box<Extension>),
    LogTypeFilter(LogTypeFilter),
}

message!(HeaderFilter {
    header: HeaderMatcher,
});

message!(LogTypeFilter {
    types: Vec<&'static str>,
});

message!(StatsScope {
    prefix: &'static str,
});

message!(StatsAccessLog {
    stats_scope: StatsScope,
    counters: Vec<StatsCounter>,
});

message!(
    /// A counter and what a log entry adds to it: a number, or a field.
    StatsCounter {
        stat: Stat,
        value_fixed: Option<u32>,
        value_format: Option<&'static str>,
    }
);

message!(Stat {
    name: &'static str,
    tags: Vec<StatTag>,
});

message!(StatTag {
    name: &'static str,
    value_format: &'static str,
});

message!(CelFilter { expression: String });

message!(FileAccessLog {
    path: PathBuf,
    log_format: Option<LogFormat>,
});

/// How an entry looks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    JsonFormat(JsonFormat),
    TextFormatSource(InlineString),
}

message!(InlineString {
    inline_string: String,
});

present!(AccessLogFilter, LogFormat);

/// The fields of a JSON line, with Envoy's `%COMMAND%`s as values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct JsonFormat(BTreeMap<String, String>);

impl JsonFormat {
    pub(crate) fn new<'a>(groups: impl IntoIterator<Item = &'a [(&'a str, &'a str)]>) -> Self {
        let fields = groups.into_iter().flatten();
        Self(
            fields
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }
}
