//! Domains below which anybody may have a host.
//!
//! Not the public suffix list, which is long and changes: enough to notice a
//! wildcard that says more than its author means.

/// Second-level labels under which countries give names out.
const REGISTRIES: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "or", "org"];

/// Domains of providers who let their customers choose a name.
const PROVIDERS: [&str; 24] = [
    "amazonaws.com",
    "appspot.com",
    "azureedge.net",
    "azurefd.net",
    "azurewebsites.net",
    "blogspot.com",
    "cloudapp.net",
    "cloudfront.net",
    "fastly.net",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "googleapis.com",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "run.app",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Whether a stranger can have a host below the domain.
pub(super) fn is_anybodys(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    match labels.as_slice() {
        [_] => true,
        [second, country] if country.len() == 2 && REGISTRIES.contains(second) => true,
        _ => PROVIDERS
            .iter()
            .any(|provider| domain == *provider || domain.ends_with(&format!(".{provider}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_domains_they_are() {
        for domain in ["com", "co.uk", "github.io", "s3.amazonaws.com"] {
            assert!(is_anybodys(domain), "{domain}");
        }
        for domain in ["github.com", "example.co.uk", "co.example", "mygithub.io"] {
            assert!(!is_anybodys(domain), "{domain}");
        }
    }
}
