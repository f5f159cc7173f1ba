//! Newtypes over text, and the mending of text for advice.

/// A newtype over text that only `FromStr` makes, through the given check.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::config::Invalid> {
                let check: fn(&str) -> Result<String, $crate::config::Invalid> = $check;
                check(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}
pub(super) use text;

/// The text with every character that is not allowed replaced.
pub(super) fn only(text: &str, allowed: impl Fn(char) -> bool, instead: char) -> String {
    text.chars()
        .map(|c| if allowed(c) { c } else { instead })
        .collect()
}

/// The mended text in backticks when there is something left of it, else the given example.
pub(super) fn example(mended: &str, otherwise: &str) -> String {
    let mended = mended
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let mended = mended.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    format!("`{}`", if mended.is_empty() { otherwise } else { mended })
}

#[cfg(test)]
pub(super) mod tests {
    use std::str::FromStr;

    use crate::config::Invalid;

    /// The help for a text that is refused.
    fn help<T: FromStr<Err = Invalid>>(text: &str) -> Option<String> {
        text.parse::<T>().err().map(|invalid| invalid.help)
    }

    pub(in crate::config) fn accepted<T: FromStr<Err = Invalid>>(texts: &[&str]) {
        for text in texts {
            assert_eq!(help::<T>(text), None, "{text}");
        }
    }

    /// Each text with a part of its help.
    pub(in crate::config) fn refused<T: FromStr<Err = Invalid>>(cases: &[(&str, &str)]) {
        for (text, part) in cases {
            let help = help::<T>(text).unwrap_or_else(|| panic!("`{text}` is accepted"));
            assert!(help.contains(part), "`{text}`: {help}");
        }
    }
}
