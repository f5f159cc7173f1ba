//! Node tree to template. All mistakes are collected; CloudFormation's own
//! words are the message where it has any, the place and the advice are ours.

mod condition;
mod document;
mod expression;
mod functions;
mod nulls;
mod parameters;
mod resources;
mod sub;

use std::sync::Arc;

use super::Template;
use crate::diag::{Diagnostic, Diagnostics, Source, Span};
use crate::yaml::{self, Node};

impl Template {
    /// Reads a template, YAML or JSON, and checks that each name in it
    /// resolves and that nothing depends on itself.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source).map_err(|found| malformed(source, found))?;
        let mut reader = Reader { source, found: Diagnostics::default() };
        let template = reader.template(&root);
        let mut found = reader.found;
        if !found.has_errors() {
            found.extend(template.check());
        }
        found.into_result(template)
    }
}

/// Reads nodes and collects what is wrong with them.
struct Reader<'a> {
    source: &'a Arc<Source>,
    found: Diagnostics,
}

impl Reader<'_> {
    /// Notes an error and hands back its place in the list, for advice.
    fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.push(Diagnostic::error(message).at(self.source, span));
        self.found.0.last_mut().expect("one was just pushed")
    }

    /// Notes an error with a line of advice.
    fn advise(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.error(span, message).help = Some(help.into());
    }

    /// The text of a scalar, or a noted error.
    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        if node.tag.is_some() {
            self.advise(node.span, format!("{what} must be text"), "intrinsic functions are not allowed here");
            return None;
        }
        match node.expect_str(self.source, what) {
            Ok(text) => Some(text.to_owned()),
            Err(diagnostic) => {
                self.found.push(diagnostic);
                None
            }
        }
    }
}

/// Says what the parser said in CloudFormation's words.
fn malformed(source: &Arc<Source>, mut found: Diagnostics) -> Diagnostics {
    let language = if source.text.trim_start().starts_with('{') { "JSON" } else { "YAML" };
    for each in &mut found.0 {
        if let Some(reason) = each.message.strip_prefix("not well-formed: ").map(str::to_owned) {
            let place = source.position(each.span.map_or(0, |span| span.start));
            each.message = format!(
                "Template format error: {language} not well-formed. (line {}, column {})",
                place.line, place.column
            );
            each.label = Some(reason);
        } else {
            each.message = format!("Template format error: {}", each.message);
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::template) fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("template.yaml", text))
    }

    pub(in crate::template) fn template(text: &str) -> Template {
        Template::parse(&source(text)).unwrap_or_else(|found| panic!("{found}"))
    }

    /// The messages of a template that is refused, each with the text pointed
    /// at.
    pub(in crate::template) fn refused(text: &str) -> Vec<(String, String)> {
        let Err(found) = Template::parse(&source(text)) else { panic!("accepted: {text}") };
        let pointed = |span: Option<Span>| span.map_or(String::new(), |span| text[span.start..span.end].to_owned());
        found.0.into_iter().map(|each| (each.message, pointed(each.span))).collect()
    }

    pub(in crate::template) fn refusal(text: &str) -> (String, String) {
        refused(text).remove(0)
    }
}
