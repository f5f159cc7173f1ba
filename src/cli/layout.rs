//! Rows and paragraphs: aligned, and on a terminal within its width.

use super::printer::paint;

/// The fewest columns that a shortened cell keeps.
const FEWEST: usize = 12;

/// Rows with their columns aligned, two spaces apart; the last column is free.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|column| widest(rows, column)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if column + 1 < row.len() {
                let padding = widths[column] - visible(cell) + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The table with its second column, the names, made to fit: first by their
/// short forms, then by leaving out their middles.
pub(crate) fn fitted(
    rows: &[Vec<String>],
    width: Option<usize>,
    short: impl Fn(&str) -> String,
) -> String {
    let Some(width) = width else {
        return table(rows);
    };
    let mut rows = rows.to_vec();
    if widest_row(&rows) > width {
        names(&mut rows, short);
    }
    let over = widest_row(&rows).saturating_sub(width);
    if over > 0 {
        let most = widest(&rows, 1).saturating_sub(over).max(FEWEST);
        names(&mut rows, |name| without_middle(name, most));
    }
    table(&rows)
}

/// Changes the second column where it is not the last.
fn names(rows: &mut [Vec<String>], change: impl Fn(&str) -> String) {
    for row in rows.iter_mut().filter(|row| row.len() > 2) {
        row[1] = change(&row[1]);
    }
}

fn widest_row(rows: &[Vec<String>]) -> usize {
    let lines = table(rows);
    lines.lines().map(visible).max().unwrap_or(0)
}

/// The widest cell of a column; the last cell of a row is free.
fn widest(rows: &[Vec<String>], column: usize) -> usize {
    let cells = rows.iter().filter(|row| column + 1 < row.len());
    cells.map(|row| visible(&row[column])).max().unwrap_or(0)
}

/// Start and end of a text that is too long.
pub(crate) fn without_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let start: String = text.chars().take(kept.div_ceil(2)).collect();
    let end: String = text.chars().skip(count - kept / 2).collect();
    format!("{start}…{end}")
}

/// A paragraph within a width, each line after the first indented; words that
/// are longer than a line are cut. Elsewhere than on a terminal it is one line.
pub(crate) fn wrapped(
    text: &str,
    width: Option<usize>,
    indentation: usize,
    style: anstyle::Style,
) -> String {
    let Some(width) = width else {
        return paint(style, text);
    };
    let room = width.saturating_sub(indentation).max(FEWEST);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > room {
            lines.push(String::new());
            used = 0;
        }
        while word.len() > room {
            let rest = word.split_off(room);
            lines
                .last_mut()
                .into_iter()
                .for_each(|line| line.extend(&word));
            lines.push(String::new());
            word = rest;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.extend(&word);
            used += word.len();
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| paint(style, line)).collect();
    lines.join(&format!("\n{}", " ".repeat(indentation)))
}

/// Characters that take a place on the screen: all but colour codes.
pub(crate) fn visible(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .to_string()
        .chars()
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::printer::GOOD;
    use super::*;

    fn stripped(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn columns_align_whatever_their_colour() {
        let rows = vec![
            vec![paint(GOOD, "ok"), "one".to_owned(), "x".to_owned()],
            vec!["failed".to_owned(), "three".to_owned(), "y".to_owned()],
        ];
        let text = stripped(&table(&rows));
        assert_eq!(text, "ok      one    x\nfailed  three  y\n");
    }

    #[test]
    fn names_get_shorter_only_where_they_must() {
        let row = |name: &str| {
            vec![
                "service".to_owned(),
                name.to_owned(),
                paint(GOOD, "running"),
            ]
        };
        let rows = vec![row("Environment-teller"), row("Environment-gateway")];
        let short = |name: &str| name.trim_start_matches("Environment-").to_owned();
        let full = "service  Environment-teller   running\nservice  Environment-gateway  running\n";
        assert_eq!(stripped(&fitted(&rows, None, short)), full);
        assert_eq!(stripped(&fitted(&rows, Some(37), short)), full);
        let fit = "service  teller   running\nservice  gateway  running\n";
        assert_eq!(stripped(&fitted(&rows, Some(36), short)), fit);
        let long = vec![row(&"x".repeat(100))];
        let text = stripped(&fitted(&long, Some(40), short));
        assert_eq!(text.trim_end().chars().count(), 40);
    }

    #[test]
    fn middles_are_left_out() {
        assert_eq!(without_middle("abcdefgh", 8), "abcdefgh");
        assert_eq!(without_middle("abcdefgh", 7), "abc…fgh");
        assert_eq!(without_middle("abcdefgh", 6), "abc…gh");
    }

    #[test]
    fn paragraphs_keep_to_the_width() {
        let plain = anstyle::Style::new();
        let text = "one two three verylongwordindeed four";
        assert_eq!(wrapped(text, None, 2, plain), text);
        let lines = wrapped(text, Some(16), 2, plain);
        assert_eq!(lines, "one two three\n  verylongwordin\n  deed four");
        assert_eq!(
            lines.replace("\n  ", "").replace(' ', "").len(),
            text.replace(' ', "").len()
        );
    }
}
