//! Words of strangers, made fit for a terminal.

use std::fmt::Write;

/// The text with everything spelt out that a terminal would act on or that
/// would make it look like other text: control characters, line ends, marks
/// of direction, what takes no place.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmless(character) {
            safe.push(character);
        } else {
            // Writing to a String does not fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        }
    }
    safe
}

/// What an app said: its colours are left out, for everything else see
/// [`printable`].
pub(crate) fn plain(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    printable(&plain.replace('\t', "    "))
}

/// At most so many characters, with a sign that there were more.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(most).collect();
    if characters.next().is_none() {
        return start;
    }
    let mut start: String = start.chars().take(most.saturating_sub(1)).collect();
    start.push('…');
    start
}

fn is_harmless(character: char) -> bool {
    let invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_but_signs() {
        assert_eq!(
            printable("evil\x1b[2J\r\n\x07.test"),
            r"evil\u{1b}[2J\u{d}\u{a}\u{7}.test"
        );
        assert_eq!(
            printable("a\u{202e}b\u{200b}\u{9b}1m"),
            r"a\u{202e}b\u{200b}\u{9b}1m"
        );
        assert_eq!(printable("grün \"quoted\" 日本"), "grün \"quoted\" 日本");
    }

    #[test]
    fn an_apps_colours_are_left_out_and_its_tricks_are_spelt_out() {
        assert_eq!(plain("\x1b[32mgreen\x1b[0m\tdone"), "green    done");
        assert!(
            !plain("\x1b]0;title\x07\x1b[?25l\x1bc\u{9b}2J").contains(['\x1b', '\x07', '\u{9b}'])
        );
    }

    #[test]
    fn what_is_clipped_says_so() {
        assert_eq!(clipped("abcdef", 6), "abcdef");
        assert_eq!(clipped("abcdefg", 6), "abcde…");
    }
}
