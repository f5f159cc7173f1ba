//! What a request brings along: as it is, or in chunks of S3's own.

use crate::account::ApiError;
use crate::image::Digest;
use axum::http::HeaderMap;

/// The content of an object. What the client says that its digest is has to be
/// true.
pub(super) fn content(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    let said = headers.get("x-amz-content-sha256");
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    if said.starts_with("STREAMING-") {
        return dechunked(&body).ok_or_else(|| {
            let message = "The request body is not in the chunks that it says.";
            ApiError::new("IncompleteBody", message)
        });
    }
    if said.len() == 64 && said != Digest::of(&body).hex() {
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(ApiError::new("XAmzContentSHA256Mismatch", message));
    }
    Ok(body)
}

/// Chunks, each with its length and perhaps a signature before; after the last
/// come checksums, which are not looked at.
fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let length = line.split(';').next()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(content);
        }
        let start = end + 2;
        let chunk = rest.get(start..start.checked_add(length)?)?;
        content.extend_from_slice(chunk);
        rest = rest.get(start + length..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let body =
            b"3;chunk-signature=00\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n";
        assert_eq!(dechunked(body).as_deref(), Some(&b"abcde"[..]));
        assert_eq!(dechunked(b"5\r\nabc\r\n0\r\n\r\n"), None);
        assert_eq!(dechunked(b"abc"), None);
    }
}
