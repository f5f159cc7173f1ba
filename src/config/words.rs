//! Settings that are one of a few words.

use super::Invalid;

/// A type whose every value has a word.
pub(super) trait Word: Copy + 'static {
    /// Every value, in the order in which they are named to the user.
    const ALL: &'static [Self];

    /// What one of them is, with its article.
    const WHAT: &'static str;

    /// The word for it.
    fn word(self) -> &'static str;
}

/// The value that the word is for.
pub(super) fn parse<W: Word>(text: &str) -> Result<W, Invalid> {
    if let Some(value) = W::ALL.iter().find(|value| value.word() == text) {
        return Ok(*value);
    }
    let mended = plain(text);
    let close = W::ALL.iter().find(|value| plain(value.word()) == mended);
    let help = match close {
        Some(value) => format!("write `{}`", value.word()),
        None => format!("write {}", choices::<W>()),
    };
    Err(Invalid::new(format!("`{text}` is not {}", W::WHAT), help))
}

/// "`a`, `b` or `c`".
fn choices<W: Word>() -> String {
    let words: Vec<String> = W::ALL
        .iter()
        .map(|value| format!("`{}`", value.word()))
        .collect();
    match words.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        words => words.concat(),
    }
}

/// A word without what people mistake in it: case and punctuation.
fn plain(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Makes an enum whose values each have a word, which `FromStr` and `Display`
/// read and write.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident is $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $crate::config::words::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];
            const WHAT: &'static str = $what;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl $name {
            /// Every word for it.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word for it in the settings.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::config::words::parse(text)
            }
        }
    };
}
pub(super) use words;
