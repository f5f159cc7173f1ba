//! Diagnostics as text: the place, the line, a pointer, the advice.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Source, Span};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With terminal colours.
    Colour,
}

/// Draws diagnostics, with an empty line between two. No newline at the end.
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let mut lines = LineTables::default();
    let drawn: Vec<String> = diagnostics
        .iter()
        .map(|each| render_one(each, &renderer, &mut lines))
        .collect();
    drawn.join("\n\n")
}

fn render_one(diagnostic: &Diagnostic, renderer: &Renderer, lines: &mut LineTables) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message);
    let (Some(source), Some(span)) = (&diagnostic.source, diagnostic.span) else {
        let mut drawn = renderer.render(&[Group::with_title(title)]);
        if let Some(help) = &diagnostic.help {
            drawn.push('\n');
            drawn += &renderer.render(&[Group::with_title(Level::HELP.secondary_title(help))]);
        }
        return drawn;
    };
    let window = lines.window(source, span);
    let annotation = AnnotationKind::Primary
        .span(window.span)
        .label(diagnostic.label.as_deref());
    let snippet = Snippet::source(&source.text[window.text])
        .line_start(window.line)
        .path(source.name.as_str())
        .annotation(annotation);
    let mut group = title.element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// The part of a text that one diagnostic shows.
struct Window {
    text: Range<usize>,
    line: usize,
    span: Range<usize>,
}

/// Where lines start, worked out once per text: thousands of diagnostics over
/// one long file must not read it thousands of times.
#[derive(Default)]
struct LineTables(HashMap<*const Source, Vec<usize>>);

impl LineTables {
    fn window(&mut self, source: &Arc<Source>, span: Span) -> Window {
        let text = &source.text;
        let starts = self.0.entry(Arc::as_ptr(source)).or_insert_with(|| {
            std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect()
        });
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end).max(start);
        let line = starts.partition_point(|&at| at <= start) - 1;
        let from = starts[line];
        // A construct of many lines is shown by its first.
        let to = starts.get(line + 1).map_or(text.len(), |next| next - 1);
        Window {
            text: from..to,
            line: line + 1,
            span: start - from..end.min(to).max(start) - from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn source() -> Arc<Source> {
        Arc::new(Source::new(
            "colormesh.yaml",
            "region: us-west-2\nexternal_services:\n  - { nmae: github }\n",
        ))
    }

    #[test]
    fn a_place_prints_as_a_snippet() {
        let diagnostic = Diagnostic::error("unknown key `nmae`")
            .at(&source(), Span::new(43, 47))
            .label("not a key of an external service")
            .help("did you mean `name`?");
        assert_snapshot!(render(&[diagnostic], Style::Plain), @r"
        error: unknown key `nmae`
         --> colormesh.yaml:3:7
          |
        3 |   - { nmae: github }
          |       ^^^^ not a key of an external service
          |
          = help: did you mean `name`?
        ");
    }

    #[test]
    fn diagnostics_without_a_place_and_several() {
        let several = [
            Diagnostic::error("no region").help("set `region`"),
            Diagnostic::warning("no file"),
        ];
        assert_snapshot!(render(&several, Style::Plain), @r"
        error: no region
        help: set `region`

        warning: no file
        ");
    }

    #[test]
    fn places_outside_or_inside_characters_do_not_panic() {
        let source = Arc::new(Source::new("x", "é: ü"));
        for (start, end) in [(1, 1), (0, 99), (99, 99), (3, 4)] {
            let drawn = render(
                &[Diagnostic::error("m").at(&source, Span::new(start, end))],
                Style::Colour,
            );
            assert!(drawn.contains('m'));
        }
    }
}
