//! Names of hosts and domains, and paths of URLs.

use std::net::IpAddr;

use super::Invalid;
use super::text::text;

text! {
    /// The full name of a host outside the mesh: lower case, at least two labels, no address.
    /// Or `*.` and a domain, for every host below that.
    Host, check_host
}
text! {
    /// A DNS domain in lower case, such as the private one of the mesh's own services.
    DomainName, check_domain
}
text! {
    /// The path of a URL: it starts with `/` and has no query.
    UrlPath, check_path
}

// === impl Host ===

impl Host {
    /// The domain below which every host is meant, for a wildcard.
    pub fn wildcard(&self) -> Option<&str> {
        self.0.strip_prefix("*.")
    }

    /// A host that it stands for: itself, or for a wildcard the likeliest one below.
    pub fn sample(&self) -> String {
        self.wildcard()
            .map_or_else(|| self.0.clone(), |domain| format!("www.{domain}"))
    }

    /// Whether a host of that name, in lower case, is meant.
    pub fn includes(&self, host: &str) -> bool {
        let below = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        self.0 == host || self.wildcard().is_some_and(below)
    }

    /// Whether a wildcard stands for names of the domain.
    pub fn covers(&self, domain: &DomainName) -> bool {
        let above = |base: &str| domain.0.strip_suffix(base).map(str::to_owned);
        let rest = self.wildcard().and_then(above);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Whether the host is the domain or has its name in it.
    pub fn is_within(&self, domain: &DomainName) -> bool {
        self.0
            .strip_suffix(&domain.0)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

// === the checks ===

fn check_host(text: &str) -> Result<String, Invalid> {
    without_url_parts(text)?;
    if text.parse::<IpAddr>().is_ok() || looks_like_an_address(text) {
        return Err(Invalid::new(
            format!("`{text}` is an address, and services are told apart by name"),
            "write the host's name, such as `github.com`",
        ));
    }
    if let Some(domain) = text.strip_prefix("*.").filter(|rest| !rest.contains('*')) {
        return Ok(format!("*.{}", dns_name(domain)?));
    }
    if text.contains('*') {
        return Err(misplaced_star(text));
    }
    let name = dns_name(text)?;
    if !name.contains('.') {
        return Err(Invalid::new(
            format!("`{text}` is not a full host name"),
            format_args!("write it with its domain, such as `{name}.com`"),
        ));
    }
    Ok(name)
}

fn misplaced_star(text: &str) -> Invalid {
    let domain = text.rsplit('*').next().unwrap_or_default();
    let domain = domain
        .trim_start_matches(|c: char| c != '.')
        .trim_matches('.');
    let domain = if domain.contains('.') {
        domain
    } else {
        "example.com"
    };
    let message = if text == "*" {
        "`*` is every host there is, and then nothing is dropped".to_owned()
    } else {
        format!("`{text}` has a `*` elsewhere than as its whole first label")
    };
    let help = format!(
        "write one domain whose hosts are meant, such as `*.{domain}`; `ALLOW_ALL` lets everything out"
    );
    Invalid::new(message, help)
}

/// Refuses what a URL or an address with a port has beyond the host, and names the host.
fn without_url_parts(text: &str) -> Result<(), Invalid> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = host_of(rest);
        return Err(Invalid::new(
            format!("a host has no scheme, and this one has `{scheme}://`"),
            format_args!("write `{host}`"),
        ));
    }
    if let Some((before, _)) = text.split_once(['/', '?', '#']) {
        let host = host_of(before);
        return Err(Invalid::new(
            format!("`{text}` has a path, and a service is a whole host"),
            format_args!("write `{host}`"),
        ));
    }
    if text.contains('@') {
        let host = host_of(text);
        return Err(Invalid::new(
            format!("`{text}` has a user, and a service is a host"),
            format_args!("write `{host}`"),
        ));
    }
    let Some((host, port)) = text.split_once(':') else {
        return Ok(());
    };
    if text.parse::<IpAddr>().is_ok() || text.starts_with('[') {
        return Ok(());
    }
    Err(Invalid::new(
        format!("`{text}` has a port in its host"),
        format_args!("write `host: {host}` and `port: {port}`"),
    ))
}

fn host_of(text: &str) -> &str {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

/// IPv4 in all its spellings: a last label of digits is never a top-level domain.
fn looks_like_an_address(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    text.starts_with('[') || (!last.is_empty() && last.chars().all(|c| c.is_ascii_digit()))
}

/// A DNS name in lower case, or what is wrong with it.
fn dns_name(text: &str) -> Result<String, Invalid> {
    let wrong = |why: &str, help: &str| {
        Err(Invalid::new(
            format!("`{text}` is not a DNS name: {why}"),
            help,
        ))
    };
    if text.is_empty() {
        return wrong("it is empty", "write a name, such as `github.com`");
    }
    if !text.is_ascii() {
        return wrong(
            "it has letters outside ASCII",
            "write its ASCII form, which starts with `xn--`",
        );
    }
    if let Some(bare) = text.strip_suffix('.') {
        return wrong("it ends with a dot", &format!("write `{bare}`"));
    }
    if text.len() > 253 {
        return wrong(
            "it has more than 253 characters",
            "write the name that DNS has for it",
        );
    }
    for label in text.split('.') {
        if let Some(why) = label_is_wrong(label) {
            return wrong(
                why,
                "use labels of letters, digits and hyphens, with dots between, such as `github.com`",
            );
        }
    }
    Ok(text.to_ascii_lowercase())
}

fn label_is_wrong(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        return Some("it has an empty label");
    }
    if label.len() > 63 {
        return Some("it has a label of more than 63 characters");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Some("a label starts or ends with a hyphen");
    }
    let strange = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    label
        .contains(strange)
        .then_some("it has a character that no host name has")
}

fn check_domain(text: &str) -> Result<String, Invalid> {
    let bare = text.trim_start_matches("*.").trim_start_matches('.');
    if bare != text {
        return Err(Invalid::new(
            format!("`{text}` is not a domain"),
            format_args!("write `{bare}`"),
        ));
    }
    if looks_like_an_address(text) {
        return Err(Invalid::new(
            format!("`{text}` is an address, not a domain"),
            "write a domain, such as `default.svc.cluster.local`",
        ));
    }
    dns_name(text)
}

fn check_path(text: &str) -> Result<String, Invalid> {
    let wrong = |help: String| {
        Err(Invalid::new(
            format!("`{text}` is not the path of a URL"),
            help,
        ))
    };
    if text.contains("://") || text.contains(['?', '#', '\\', '*']) || text.len() > 1024 {
        return wrong("write the path alone, such as `/ping`".to_owned());
    }
    if text.contains(|c: char| !c.is_ascii_graphic()) {
        return wrong("write spaces and letters outside ASCII as `%20` and the like".to_owned());
    }
    if !text.starts_with('/') {
        return wrong(format!("write `/{text}`"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn hosts_are_read_in_lower_case() {
        for host in [
            "github.com",
            "GitHub.com",
            "a-b.c_d.example",
            "xn--bcher-kva.example",
            "1.example",
            "localhost.localdomain",
            "*.GitHub.com",
            "*.com",
        ] {
            assert_eq!(host.parse::<Host>().unwrap().as_str(), host.to_lowercase());
        }
    }

    #[test]
    fn what_is_no_host_comes_with_what_to_write() {
        let long = format!("{}.com", "a".repeat(64));
        let cases = [
            ("https://github.com", "write `github.com`"),
            ("https://me@github.com:443/x?y", "write `github.com`"),
            ("github.com:443", "write `host: github.com` and `port: 443`"),
            ("github.com/login", "write `github.com`"),
            ("github.com?x", "write `github.com`"),
            ("me@github.com", "write `github.com`"),
            ("*", "`*.example.com`; `ALLOW_ALL` lets everything out"),
            ("*.", "such as `github.com`"),
            ("a.*.github.com", "such as `*.github.com`"),
            ("*.*.github.com", "such as `*.github.com`"),
            ("*api.github.com", "such as `*.github.com`"),
            ("www.*", "such as `*.example.com`"),
            (
                "*.github.com:443",
                "write `host: *.github.com` and `port: 443`",
            ),
            ("*.github.com.", "write `github.com`"),
            ("192.0.2.1", "the host's name"),
            ("192.0.2", "the host's name"),
            ("2001:db8::1", "the host's name"),
            ("[2001:db8::1]:443", "the host's name"),
            ("github", "such as `github.com`"),
            ("github.com.", "write `github.com`"),
            ("bücher.example", "`xn--`"),
            ("", "such as `github.com`"),
            ("a..com", "with dots between"),
            ("-a.com", "with dots between"),
            ("a b.com", "with dots between"),
            (long.as_str(), "with dots between"),
        ];
        for (text, part) in cases {
            let help = text.parse::<Host>().unwrap_err().help;
            assert!(help.contains(part), "`{text}`: {help}");
        }
    }

    #[test]
    fn a_wildcard_covers_a_domain_that_lies_at_or_below_its_own() {
        let domain: DomainName = "svc.local".parse().unwrap();
        for (host, covers) in [
            ("*.svc.local", true),
            ("*.local", true),
            ("*.cal", false),
            ("*.a.svc.local", false),
            ("svc.local", false),
        ] {
            assert_eq!(
                host.parse::<Host>().unwrap().covers(&domain),
                covers,
                "{host}"
            );
        }
        let wild: Host = "*.a.example".parse().unwrap();
        for (host, includes) in [
            ("x.a.example", true),
            ("y.x.a.example", true),
            ("a.example", false),
            ("xa.example", false),
        ] {
            assert_eq!(wild.includes(host), includes, "{host}");
        }
    }

    #[test]
    fn a_host_is_within_a_domain_by_whole_labels() {
        let domain: DomainName = "svc.local".parse().unwrap();
        for (host, within) in [
            ("svc.local", true),
            ("a.svc.local", true),
            ("asvc.local", false),
            ("svc.local.com", false),
        ] {
            assert_eq!(
                host.parse::<Host>().unwrap().is_within(&domain),
                within,
                "{host}"
            );
        }
        for text in [
            "*.svc.local",
            ".svc.local",
            "10.0.0.1",
            "a..b",
            "svc.local.",
        ] {
            assert!(text.parse::<DomainName>().is_err(), "{text}");
        }
    }

    #[test]
    fn paths() {
        for path in ["/", "/ping", "/a/b-c_%20.html"] {
            assert_eq!(path.parse::<UrlPath>().unwrap().as_str(), path);
        }
        for (text, part) in [
            ("ping", "`/ping`"),
            ("http://x/ping", "alone"),
            ("/a?b", "alone"),
            ("/a b", "%20"),
            ("", "`/`"),
        ] {
            let help = text.parse::<UrlPath>().unwrap_err().help;
            assert!(help.contains(part), "`{text}`: {help}");
        }
    }
}
