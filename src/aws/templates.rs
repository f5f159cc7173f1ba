//! Templates that are too long for a request: kept in a bucket of the user's,
//! where CloudFormation reads them. S3's SDK would be one crate more for four
//! calls, so these are made by hand.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use aws_smithy_types::byte_stream::ByteStream;
use aws_types::service_config::ServiceConfigKey;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::signed::{Unsigned, Wire};
use super::{Cloud, CloudError};

const PUT: &str = "s3:PutObject";
const LOOK: &str = "s3:GetObject";
const LIST: &str = "s3:ListBucket";
const DELETE: &str = "s3:DeleteObject";
/// How often a request is sent that fails for a reason that passes.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);

/// A template as CloudFormation is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template<'a> {
    /// Its text.
    Body(Cow<'a, str>),
    /// Where its text is.
    Url(String),
}

/// Where the long templates of an environment are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// What the names of the objects begin with.
    pub folder: String,
}

/// A template in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTemplate {
    /// Where CloudFormation finds it.
    pub url: String,
    /// False when it was there before.
    pub uploaded: bool,
}

/// What a bucket answered.
struct Answer {
    status: u16,
    region: Option<String>,
    body: String,
}

// === impl Template ===

impl Template<'_> {
    /// The text, if it goes with the request.
    pub fn body(&self) -> Option<String> {
        match self {
            Self::Body(text) => Some(text.clone().into_owned()),
            Self::Url(_) => None,
        }
    }

    /// The place, if it does not.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Body(_) => None,
            Self::Url(url) => Some(url.clone()),
        }
    }
}

// === impl Bucket ===

impl Bucket {
    /// The bucket, and the folder of one environment in it.
    pub fn new(name: &str, environment: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder: format!("colormesh/{environment}/"),
        }
    }

    /// The folder, as the AWS CLI takes it.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.name, self.folder)
    }

    /// The same text has the same key.
    fn key(&self, text: &str) -> String {
        format!("{}{:x}.template", self.folder, Sha256::digest(text))
    }

    /// Whether a key is one of those that [`Bucket::key`] gives.
    fn is_template(&self, key: &str) -> bool {
        let name = key.strip_prefix(&self.folder);
        let digest = name.and_then(|name| name.strip_suffix(".template"));
        digest.is_some_and(|digest| {
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            digest.len() == 64 && digest.bytes().all(is_hex)
        })
    }
}

impl Cloud {
    /// Puts a template into the bucket, unless it is there already. The bucket
    /// must be the caller's account's own.
    pub async fn keep_template(
        &self,
        bucket: &Bucket,
        text: &str,
    ) -> Result<KeptTemplate, CloudError> {
        let url = self.object_url(bucket, &bucket.key(text));
        let owner = self.bucket_owner().await?;
        let owner = owner.as_deref();
        // Whoever may not look may still put, and is told then what is wrong.
        let there = self.asked(&unsigned(LOOK, "HEAD", &url, owner)).await;
        let uploaded = !there.is_ok_and(|answer| answer.status == 200);
        if uploaded {
            let put = Unsigned {
                body: text.as_bytes(),
                ..unsigned(PUT, "PUT", &url, owner)
            };
            let answer = self.asked(&put).await?;
            check(bucket, PUT, &answer)?;
        }
        Ok(KeptTemplate { url, uploaded })
    }

    /// Removes all templates of the environment from the bucket; says how many
    /// there were. What else is in the folder stays.
    pub async fn forget_templates(&self, bucket: &Bucket) -> Result<usize, CloudError> {
        let owner = self.bucket_owner().await?;
        let owner = owner.as_deref();
        let folder = encoded(&bucket.folder);
        let list = self.object_url(bucket, "");
        let list = format!("{list}?list-type=2&prefix={folder}");
        let (mut removed, mut after) = (0, String::new());
        loop {
            // From behind what was listed, whether it is gone or stays.
            let page = match after.as_str() {
                "" => list.clone(),
                after => format!("{list}&start-after={}", encoded(after)),
            };
            let answer = self.asked(&unsigned(LIST, "GET", &page, owner)).await?;
            match check(bucket, LIST, &answer) {
                Err(error) if error.code() == Some("NoSuchBucket") => return Ok(removed),
                checked => checked?,
            }
            let keys = elements(&answer.body, "Key");
            for key in keys.iter().filter(|key| bucket.is_template(key)) {
                let url = self.object_url(bucket, key);
                let answer = self.asked(&unsigned(DELETE, "DELETE", &url, owner)).await?;
                check(bucket, DELETE, &answer)?;
                removed += 1;
            }
            let is_all = elements(&answer.body, "IsTruncated").first() != Some(&"true");
            match keys.last().map(|key| unescaped(key)) {
                Some(last) if !is_all && last > after => after = last,
                _ => return Ok(removed),
            }
        }
    }

    /// Whose the bucket has to be; nobody's in particular where an emulator
    /// knows no accounts.
    async fn bucket_owner(&self) -> Result<Option<String>, CloudError> {
        match self.identity().await {
            Ok(identity) => Ok(Some(identity.account)),
            Err(CloudError::Refused { .. } | CloudError::Unreadable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where an object is: at AWS by the bucket's own host name, elsewhere by
    /// its path.
    fn object_url(&self, bucket: &Bucket, key: &str) -> String {
        let name = &bucket.name;
        if let Some(endpoint) = self.s3_endpoint() {
            return format!("{}/{name}/{key}", endpoint.trim_end_matches('/'));
        }
        let region = self.sdk().region().map_or("", |region| region.as_ref());
        let suffix = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        // A certificate with a star covers no dots.
        if name.contains('.') {
            format!("https://s3.{region}.{suffix}/{name}/{key}")
        } else {
            format!("https://{name}.s3.{region}.{suffix}/{key}")
        }
    }

    /// What answers in the place of S3, as every SDK finds it: the endpoint of
    /// the command line, `AWS_ENDPOINT_URL_S3`, the profile, `AWS_ENDPOINT_URL`.
    fn s3_endpoint(&self) -> Option<String> {
        let endpoint = self.sdk().endpoint_url().map(str::to_owned);
        // What the command line says goes before what surrounds it.
        if self.sdk().get_origin("endpoint_url").is_client_config() {
            return endpoint;
        }
        let key = ServiceConfigKey::builder()
            .service_id("S3")
            .profile("endpoint_url")
            .env("AWS_ENDPOINT_URL")
            .build()
            .ok()?;
        let configured = self.sdk().service_config();
        configured
            .and_then(|configured| configured.load_config(key))
            .or(endpoint)
    }

    /// Sends a request until it gets an answer that another attempt would not
    /// change.
    async fn asked(&self, unsigned: &Unsigned<'_>) -> Result<Answer, CloudError> {
        let wire = Wire::to(unsigned.url, PATIENCE);
        for attempt in 1.. {
            let answer = self.once(&wire, unsigned).await;
            let passes = match &answer {
                Ok(answer) => answer.status >= 500,
                Err(error) => error.is_transient(),
            };
            if !passes || attempt == ATTEMPTS {
                return answer;
            }
            sleep(PAUSE * attempt).await;
        }
        unreachable!("the last attempt is given as it is")
    }

    async fn once(&self, wire: &Wire, unsigned: &Unsigned<'_>) -> Result<Answer, CloudError> {
        let request = self.signed(unsigned).await?;
        let unreachable = |reason: String| CloudError::Unreachable {
            operation: unsigned.operation,
            endpoint: unsigned
                .url
                .split('?')
                .next()
                .unwrap_or_default()
                .to_owned(),
            reason,
        };
        let answer = wire.send(request).await;
        let answer = answer.map_err(|error| unreachable(crate::diag::with_causes(&error)))?;
        let status = answer.status().as_u16();
        let region = answer.headers().get("x-amz-bucket-region");
        let region = region.map(str::to_owned);
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| unreachable(crate::diag::with_causes(&error)))?;
        Ok(Answer {
            status,
            region,
            body: String::from_utf8_lossy(&body.into_bytes()).into_owned(),
        })
    }
}

/// A request to a bucket, with nothing in it.
fn unsigned<'a>(
    operation: &'static str,
    method: &'static str,
    url: &'a str,
    owner: Option<&'a str>,
) -> Unsigned<'a> {
    let owner = owner.map(|owner| ("x-amz-expected-bucket-owner", owner));
    Unsigned {
        operation,
        service: "s3",
        method,
        url,
        headers: owner.into_iter().collect(),
        body: &[],
    }
}

/// Whether a bucket did what it was asked for; else why not.
fn check(bucket: &Bucket, operation: &'static str, answer: &Answer) -> Result<(), CloudError> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let first = |name| {
        elements(&answer.body, name)
            .first()
            .map(|text| (*text).to_owned())
    };
    let code = first("Code").unwrap_or_else(|| format!("HTTP{}", answer.status));
    let said = first("Message").unwrap_or_else(|| "it gave no reason".to_owned());
    let name = &bucket.name;
    let mut message = format!("the bucket `{name}`: {said}");
    if let Some(region) = answer.region.as_ref().or(first("Region").as_ref())
        && answer.status / 100 == 3
    {
        message = format!("the bucket `{name}` is in {region}, not in the region of the stacks");
    }
    Err(match (answer.status, code.as_str()) {
        (403, "InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
            CloudError::RefusedCredentials { operation, message }
        }
        (_, "ExpiredToken") => CloudError::ExpiredCredentials { operation },
        (403, _) => CloudError::AccessDenied { operation, message },
        (503, _) | (_, "SlowDown") => CloudError::Throttled { operation, message },
        _ => CloudError::Refused {
            operation,
            code,
            message,
        },
    })
}

/// A text as a part of a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// A text of an XML document as it is meant.
fn unescaped(xml: &str) -> String {
    let mut parts = xml.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or((part, ""));
        let meant = match name.strip_prefix('#') {
            Some(number) => match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            }
            .and_then(char::from_u32),
            None => match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            },
        };
        text.extend(meant);
        text.push_str(rest);
    }
    text
}

/// The texts of all elements of this name, as they are written. Our own keys
/// need no unescaping.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split(close.as_str()).next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{CredentialSource, Options};

    async fn cloud(region: &str, endpoint_url: Option<&str>) -> Cloud {
        Cloud::connect(Options {
            region: region.to_owned(),
            profile: None,
            endpoint_url: endpoint_url.map(str::to_owned),
            credentials: CredentialSource::Local,
        })
        .await
    }

    #[tokio::test]
    async fn a_bucket_is_where_aws_has_it() {
        let url = |cloud: Cloud, name: &str| cloud.object_url(&Bucket::new(name, "Demo"), "k");
        for (region, name, expected) in [
            ("eu-west-1", "b", "https://b.s3.eu-west-1.amazonaws.com/k"),
            (
                "eu-west-1",
                "b.c",
                "https://s3.eu-west-1.amazonaws.com/b.c/k",
            ),
            (
                "cn-north-1",
                "b",
                "https://b.s3.cn-north-1.amazonaws.com.cn/k",
            ),
        ] {
            assert_eq!(url(cloud(region, None).await, name), expected);
        }
        let elsewhere = cloud("eu-west-1", Some("http://127.0.0.1:1/")).await;
        assert_eq!(url(elsewhere, "b"), "http://127.0.0.1:1/b/k");
    }

    /// In a test the environment names no endpoint; that it was typed is what
    /// decides.
    #[tokio::test]
    async fn an_endpoint_that_was_typed_is_s3s_too() {
        let cloud = Cloud::connect(Options {
            region: "eu-west-1".to_owned(),
            profile: None,
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            credentials: CredentialSource::Chain,
        })
        .await;
        let origin = cloud.sdk().get_origin("endpoint_url");
        assert!(origin.is_client_config(), "{origin:?}");
        let endpoint = cloud.s3_endpoint();
        assert_eq!(endpoint.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn the_key_is_the_texts_own() {
        let bucket = Bucket::new("b", "Demo");
        assert_eq!(bucket.uri(), "s3://b/colormesh/Demo/");
        // As `printf abc | sha256sum` has it.
        let key = "colormesh/Demo/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.template";
        assert_eq!(bucket.key("abc"), key);
    }

    #[test]
    fn only_what_is_named_as_a_template_is_is_one() {
        let bucket = Bucket::new("b", "Demo");
        let key = bucket.key("abc");
        assert!(bucket.is_template(&key));
        for other in [
            key.replace("Demo", "Demo/Demo"),
            key.replace(".template", ".yaml"),
            key.replace("ba78", "BA78"),
            key.replace("ba78", "ba7"),
            "colormesh/Demo/notes&amp;plans.template".to_owned(),
            "colormesh/Demo/.template".to_owned(),
        ] {
            assert!(!bucket.is_template(&other), "{other}");
        }
    }

    #[test]
    fn keys_of_others_are_read_and_asked_for_as_they_are() {
        let key = unescaped("a&amp;b &lt;&#xD;&#10;&quot;/ü");
        assert_eq!(key, "a&b <\r\n\"/ü");
        assert_eq!(encoded(&key), "a%26b%20%3C%0D%0A%22%2F%C3%BC");
    }

    #[test]
    fn lists_are_read() {
        let xml = "<L><Contents><Key>a/b</Key></Contents><Contents><Key>a/c</Key></Contents></L>";
        assert_eq!(elements(xml, "Key"), ["a/b", "a/c"]);
        assert_eq!(elements(xml, "Code").len(), 0);
    }
}
