//! The tokens of public registries: a registry that wants one says where it
//! is given, and for what.

use hyper::header::HeaderValue;
use serde::Deserialize;

use super::RegistryError;

/// What a registry says when it wants a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

// === impl Challenge ===

impl Challenge {
    /// Reads `Bearer realm="…",service="…",scope="…"`.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, parameters) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut challenge = Self {
            realm: String::new(),
            service: None,
            scope: None,
        };
        for (name, value) in parameters_of(parameters) {
            match name {
                "realm" => value.clone_into(&mut challenge.realm),
                "service" => challenge.service = Some(value.to_owned()),
                "scope" => challenge.scope = Some(value.to_owned()),
                _ => {}
            }
        }
        (!challenge.realm.is_empty()).then_some(challenge)
    }

    /// What to ask for the token.
    pub(super) fn address(&self) -> String {
        let mut address = self.realm.clone();
        let parameters = [("service", &self.service), ("scope", &self.scope)];
        for (name, value) in parameters {
            if let Some(value) = value {
                let separator = if address.contains('?') { "&" } else { "?" };
                for part in [separator, name, "=", &escaped(value)] {
                    address.push_str(part);
                }
            }
        }
        address
    }
}

// Values are quoted and may hold commas: `scope="repository:a:pull,push"`.
fn parameters_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        rest = after.trim_start_matches([',', ' ']);
        Some((name.trim(), value))
    })
}

fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/:".contains(&byte);
    let letter = |byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(letter).collect()
}

/// The header for a token, out of the token service's answer.
pub(super) fn authorization(answer: &[u8]) -> Result<HeaderValue, RegistryError> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|source| RegistryError::Document("a token".to_owned(), source))?;
    let token = answer.token.or(answer.access_token);
    let text = format!("Bearer {}", token.ok_or(RegistryError::Authorization)?);
    let mut value = HeaderValue::from_str(&text).map_err(|_| RegistryError::Authorization)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_what_registries_ask_for() {
        let header = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:library/nginx:pull,push""#;
        assert_eq!(
            Challenge::parse(header).unwrap().address(),
            "https://auth.example/token?service=registry.example&scope=repository:library/nginx:pull%2Cpush"
        );
        assert_eq!(Challenge::parse("Basic realm=\"x\""), None);
        assert_eq!(Challenge::parse("Bearer service=\"x\""), None);
    }
}
