//! Markdown as GitHub and GitLab draw it.

use std::fmt::Write as _;

/// Text that says what it says whatever is in it: much of it comes from
/// servers outside. It stays on one line.
pub(super) fn text(raw: &str) -> String {
    let plain = anstream::adapter::strip_str(raw).to_string();
    let mut safe = String::new();
    for c in plain.trim().chars() {
        match c {
            '\\' | '|' | '`' | '*' | '[' | ']' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A name, in code.
pub(super) fn code(name: &str) -> String {
    format!("`{}`", name.replace('`', "'").replace('|', "\\|"))
}

/// A table; the cells are Markdown already.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = format!("| {} |\n", head.join(" | "));
    let _ = writeln!(table, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

/// Something that is read only by who wants to.
pub(super) fn details(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_draw() {
        let said = "a|b\n<img src=x> **[x](y)** `\\` &amp; \u{1b}[31mred";
        assert_eq!(
            text(said),
            "a\\|b &lt;img src=x&gt; \\*\\*\\[x\\](y)\\*\\* \\`\\\\\\` &amp;amp; red"
        );
        assert_eq!(code("a`|b"), "`a'\\|b`");
    }
}
