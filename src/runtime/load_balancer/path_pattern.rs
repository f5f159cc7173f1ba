//! Patterns of `path-pattern` conditions: `*` is any text, `?` one character,
//! upper and lower case differ.

/// A pattern for paths.
#[derive(Clone, Debug)]
pub(super) struct PathPattern(Vec<char>);

// === impl PathPattern ===

impl PathPattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }

    /// Whether the whole path is of this form. On a mismatch, the last `*` is
    /// made to take one character more, so time is at most length by length.
    pub(super) fn matches(&self, path: &str) -> bool {
        let (pattern, path) = (&self.0, path.chars().collect::<Vec<_>>());
        let (mut at, mut here) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while here < path.len() {
            match pattern.get(at) {
                Some('*') => {
                    retry = Some((at, here));
                    at += 1;
                }
                Some(&expected) if expected == '?' || expected == path[here] => {
                    at += 1;
                    here += 1;
                }
                _ => {
                    let Some((star, taken)) = retry else {
                        return false;
                    };
                    retry = Some((star, taken + 1));
                    (at, here) = (star + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|&rest| rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::new(pattern).matches(path)
    }

    #[test]
    fn stars_and_question_marks() {
        assert!(matches("*", "/"));
        assert!(matches("/img/*", "/img/"));
        assert!(matches("/img/*.p?g", "/img/a/b.png"));
        assert!(!matches("/img/*", "/IMG/a"));
        assert!(!matches("/a", "/a/"));
        assert!(matches("/*a*b*", "/xxaxxbxx"));
        assert!(!matches("/*a*b", "/xxaxx"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "*a".repeat(40);
        assert!(!matches(&pattern, &"b".repeat(2000)));
    }
}
