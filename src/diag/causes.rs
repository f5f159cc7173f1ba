//! Errors with what is behind them.

use std::error::Error;

/// An error and its causes in one line, the outermost first.
pub fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line = format!("{line}: {cause}");
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the door is shut")]
    struct Shut(#[source] std::io::Error);

    #[test]
    fn causes_follow_what_they_caused() {
        let error = Shut(std::io::Error::other("the key is lost"));
        assert_eq!(with_causes(&error), "the door is shut: the key is lost");
    }
}
