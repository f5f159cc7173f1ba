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
pub(crate) enum AccessLogFilter {
    HeaderFilter(HeaderFilter),
    ExtensionFilter(Box<Extension>),
}

message!(HeaderFilter {
    header: HeaderMatcher,
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
