//! Sections of a template that are written anew. Two comments mark each:
//! `# --- <name> begin ---` and `# --- <name> end ---`. The marks stay.

/// The text with the lines between the marks of the section replaced.
///
/// The template is ours, so a mark that is missing is a bug.
pub(super) fn replace(text: &str, name: &str, lines: &str) -> String {
    let (before, rest) = split_after_line(text, &format!("# --- {name} begin ---"));
    let end_mark = format!("# --- {name} end ---");
    let mark = rest
        .find(&end_mark)
        .unwrap_or_else(|| panic!("the template has no mark `{end_mark}`"));
    let line = rest[..mark].rfind('\n').map_or(0, |newline| newline + 1);
    [before, lines, &rest[line..]].concat()
}

fn split_after_line<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    let at = text
        .find(mark)
        .unwrap_or_else(|| panic!("the template has no mark `{mark}`"));
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline + 1);
    text.split_at(end)
}

/// Text as a YAML scalar: plain where it can only be read as text, else in
/// single quotes.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && !OTHER_THAN_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Words that some YAML reader takes for a truth value or for nothing.
const OTHER_THAN_TEXT: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_its_marks_stay() {
        let text = "a\n  # --- x begin ---\n  old\n  # --- x end ---\nb\n";
        assert_eq!(
            replace(text, "x", "  new\n"),
            "a\n  # --- x begin ---\n  new\n  # --- x end ---\nb\n"
        );
        assert_eq!(
            replace(text, "x", ""),
            "a\n  # --- x begin ---\n  # --- x end ---\nb\n"
        );
    }

    #[test]
    fn words_that_yaml_reads_otherwise_are_quoted() {
        assert_eq!(scalar("go.dev"), "go.dev");
        for word in ["true", "No", "on", "1.e3", "1password.com", "a: b", ""] {
            assert_eq!(scalar(word), format!("'{word}'"));
        }
        assert_eq!(scalar("it's"), "'it''s'");
    }
}
