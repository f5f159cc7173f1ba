//! Parser events to a tree.

use std::collections::HashSet;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Tag};

use super::{Key, Node, Scalar, Value};
use crate::diag::{Diagnostic, Diagnostics, Source, Span};

/// Deeper documents are refused: no template or settings file needs it, and
/// what walks the tree may then recurse.
const DEEPEST: usize = 64;

/// Reads one YAML or JSON document. Anchors, aliases, a second document, keys
/// given twice and nesting deeper than 64 are refused. An empty text is null.
pub fn parse(source: &Arc<Source>) -> Result<Node, Diagnostics> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut loader = Loader {
        source,
        stack: Vec::new(),
        root: None,
        found: Diagnostics::default(),
    };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        let step = match event {
            Ok((event, span)) => loader.take(event, &span),
            Err(error) => Err(loader.malformed(&error)),
        };
        if let Err(fatal) = step {
            loader.found.push(fatal);
            return Err(loader.found);
        }
    }
    let empty = Node {
        value: Value::Null,
        span: Span::default(),
        tag: None,
    };
    loader.found.into_result(loader.root.unwrap_or(empty))
}

/// A list or map that is still open.
struct Open {
    start: usize,
    tag: Option<String>,
    body: Body,
}

enum Body {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        seen: HashSet<String>,
        key: Option<Key>,
    },
}

struct Loader<'a> {
    source: &'a Arc<Source>,
    stack: Vec<Open>,
    root: Option<Node>,
    found: Diagnostics,
}

impl Loader<'_> {
    fn take(&mut self, event: Event<'_>, span: &granit_parser::Span) -> Result<(), Diagnostic> {
        let range = span.byte_range().unwrap_or_default();
        let place = Span::new(range.start, range.end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_anchor(anchor, place)?;
                self.scalar(&text, style, tag.as_deref(), place);
                Ok(())
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_anchor(anchor, place)?;
                self.open(Body::List(Vec::new()), tag.as_deref(), place)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_anchor(anchor, place)?;
                let body = Body::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                };
                self.open(body, tag.as_deref(), place)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(place);
                Ok(())
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => Err(self.alias(place)),
            Event::DocumentStart(..) if self.root.is_some() => Err(self
                .error("a second document", place)
                .help("keep one document in a file")),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) {
        if let Some(Open {
            body:
                Body::Map {
                    entries: _,
                    seen,
                    key: key @ None,
                },
            ..
        }) = self.stack.last_mut()
        {
            if !seen.insert(text.to_owned()) {
                let twice =
                    Diagnostic::error(format!("key `{text}` is given twice")).at(self.source, span);
                self.found.push(twice.help("keep one of them"));
            }
            *key = Some(Key {
                text: text.to_owned(),
                span,
            });
            return;
        }
        let quoted = style != ScalarStyle::Plain || tag.is_some_and(is_text_tag);
        let value = match text {
            "" | "~" | "null" | "Null" | "NULL" if !quoted => Value::Null,
            _ => Value::Scalar(Scalar {
                text: text.to_owned(),
                quoted,
            }),
        };
        self.put(Node {
            value,
            span,
            tag: tag.and_then(user_tag),
        });
    }

    fn open(&mut self, body: Body, tag: Option<&Tag>, span: Span) -> Result<(), Diagnostic> {
        if matches!(
            self.stack.last(),
            Some(Open {
                body: Body::Map { key: None, .. },
                ..
            })
        ) {
            return Err(self
                .error("a key must be text", span)
                .help("quote it when it holds a bracket or a brace"));
        }
        if self.stack.len() == DEEPEST {
            return Err(self.error(&format!("nested deeper than {DEEPEST}"), span));
        }
        self.stack.push(Open {
            start: span.start,
            tag: tag.and_then(user_tag),
            body,
        });
        Ok(())
    }

    fn close(&mut self, place: Span) {
        let Some(open) = self.stack.pop() else { return };
        let (value, last) = match open.body {
            Body::List(items) => {
                let last = items.last().map(|node| node.span.end);
                (Value::List(items), last)
            }
            Body::Map { entries, .. } => {
                let last = entries.last().map(|(_, node)| node.span.end);
                (Value::Map(entries), last)
            }
        };
        // A block ends where its last entry does; the event says so only at
        // the next token. A bracket's own event has a length.
        let end = if place.start == place.end {
            last.unwrap_or(place.end)
        } else {
            place.end
        };
        self.put(Node {
            value,
            span: Span::new(open.start, end),
            tag: open.tag,
        });
    }

    fn put(&mut self, node: Node) {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open {
                body: Body::List(items),
                ..
            }) => items.push(node),
            Some(Open {
                body: Body::Map { entries, key, .. },
                ..
            }) => {
                if let Some(key) = key.take() {
                    entries.push((key, node));
                }
            }
        }
    }

    fn refuse_anchor(&self, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        if anchor == 0 {
            Ok(())
        } else {
            Err(self.alias(span))
        }
    }

    fn alias(&self, span: Span) -> Diagnostic {
        self.error("anchors and aliases are not supported", span)
            .help("write the value out")
    }

    fn error(&self, message: &str, span: Span) -> Diagnostic {
        Diagnostic::error(message).at(self.source, span)
    }

    fn malformed(&self, error: &ScanError) -> Diagnostic {
        let at = error
            .marker()
            .byte_offset()
            .unwrap_or(self.source.text.len());
        self.error(
            &format!("not well-formed: {}", error.info()),
            Span::new(at, at),
        )
    }
}

fn is_text_tag(tag: &Tag) -> bool {
    tag.is_yaml_core_schema_tag("str") || tag.original() == "!"
}

/// The tag, unless it is one of YAML's own.
fn user_tag(tag: &Tag) -> Option<String> {
    let text = tag.original();
    if tag.is_yaml_core_schema() || text == "!" {
        None
    } else {
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("x.yaml", text))
    }

    fn messages(text: &str) -> Vec<String> {
        parse(&source(text))
            .unwrap_err()
            .0
            .into_iter()
            .map(|each| each.message)
            .collect()
    }

    #[test]
    fn scalars_keep_their_text() {
        let node = parse(&source(
            "[0123, 1.10, 2012-10-17, '7', yes, ~, !!str 5, \"\"]",
        ))
        .unwrap();
        let texts: Vec<_> = node.items().iter().map(Node::as_str).collect();
        let expected = ["0123", "1.10", "2012-10-17", "7", "yes", "", "5", ""];
        let expected: Vec<_> = expected
            .iter()
            .enumerate()
            .map(|(i, text)| (i != 5).then_some(*text))
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn tags_and_spans_survive() {
        let source =
            source("a: !Sub 'x-${b}'\nc: !Join\n  - '-'\n  - [d, e]\nf:\n  g: h\n\ni: 1\n");
        let node = parse(&source).unwrap();
        let cut = |node: &Node| &source.text[node.span.start..node.span.end];
        assert_eq!(node.get("a").unwrap().tag.as_deref(), Some("!Sub"));
        assert_eq!(cut(node.get("a").unwrap()), "'x-${b}'");
        assert_eq!(node.get("c").unwrap().tag.as_deref(), Some("!Join"));
        assert_eq!(cut(&node.get("c").unwrap().items()[1]), "[d, e]");
        assert_eq!(cut(node.get("f").unwrap()), "g: h");
        assert_eq!(cut(node.get("i").unwrap()), "1");
    }

    #[test]
    fn json_is_read() {
        let node = parse(&source(
            "{\n\t\"a\": [1, true, null, \"\\u00e9\\/\"],\n\t\"b\": {\"c\":\"d\"}\n}\n",
        ))
        .unwrap();
        assert_eq!(node.get("a").unwrap().items()[3].as_str(), Some("é/"));
        assert_eq!(node.get("b").unwrap().get("c").unwrap().as_str(), Some("d"));
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(
            messages("a: 1\nb: 2\na: 3\nb: 4"),
            ["key `a` is given twice", "key `b` is given twice"]
        );
        assert_eq!(
            messages("a: &x 1\nb: *x"),
            ["anchors and aliases are not supported"]
        );
        assert_eq!(messages("a: 1\n---\nb: 2"), ["a second document"]);
        assert_eq!(messages("[a]: 1"), ["a key must be text"]);
        assert_eq!(
            messages(&format!("{}{}", "[".repeat(65), "]".repeat(65))),
            ["nested deeper than 64"]
        );
        assert!(messages("a: [1")[0].starts_with("not well-formed: "));
        assert!(parse(&source(&format!("{}{}", "[".repeat(64), "]".repeat(64)))).is_ok());
        assert!(parse(&source("")).unwrap().is_null());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-\\[\\]{}:,&*!#'\"\\\\|>%@ \n\ta-c0-9é~?.]{0,60}") {
            let source = source(&text);
            if let Err(found) = parse(&source) {
                prop_assert!(!found.to_string().is_empty());
            }
        }
    }
}
