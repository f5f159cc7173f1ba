//! Keeps web pages out. The endpoint checks no signature, so whoever reaches
//! loopback owns the account; a page that a browser on this machine shows can
//! send it a form, and must not.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Answers a page's request with 403, hands on all others.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    if comes_from_page(request.headers()) {
        let why = "this endpoint answers no web pages\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    next.run(request).await
}

/// No AWS client sends what browsers add to a page's requests. The host is
/// looked at because a page's own name may be made to lead to loopback.
fn comes_from_page(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .map(|host| host.to_str().unwrap_or_default());
    headers.contains_key(header::ORIGIN)
        || headers.contains_key("sec-fetch-site")
        || host.is_some_and(|host| !is_here(host))
}

fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn pages_are_told_from_clients() {
        for host in [
            "localhost:4566",
            "127.0.0.1:80",
            "[::1]:4566",
            "1.dkr.ecr.us-west-2.localhost:1",
            "localhost",
        ] {
            assert!(!comes_from_page(&headers(&[("host", host)])), "{host}");
        }
        assert!(!comes_from_page(&headers(&[])));
        assert!(comes_from_page(&headers(&[("host", "page.example:80")])));
        let here = ("host", "localhost:80");
        assert!(comes_from_page(&headers(&[
            here,
            ("origin", "https://page.example")
        ])));
        assert!(comes_from_page(&headers(&[
            here,
            ("sec-fetch-site", "cross-site")
        ])));
    }
}
