//! Whether App Mesh answers. Its SDK would be one crate more for one question,
//! so the question is asked by hand.

use std::time::Duration;

use aws_smithy_types::byte_stream::ByteStream;

use super::signed::{Unsigned, Wire};
use super::{Cloud, CloudError};

const OPERATION: &str = "appmesh:ListMeshes";
const PATH: &str = "/v20190125/meshes";
/// How often an answer is asked for that only says "not now".
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(300);
const READ: Duration = Duration::from_secs(10);

/// What came of asking App Mesh for its meshes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppMeshAnswer {
    /// It is there, even if this caller may not ask.
    Answers,
    /// It is not.
    Silent {
        /// How that shows: a clause without a period.
        why: String,
    },
}

// === impl Cloud ===

impl Cloud {
    /// Asks the endpoint for its meshes.
    pub async fn app_mesh(&self) -> Result<AppMeshAnswer, CloudError> {
        let endpoint = self.endpoint().replace('*', "appmesh");
        let url = format!("{}{PATH}", endpoint.trim_end_matches('/'));
        let wire = Wire::to(&url, READ);
        let unsigned = Unsigned {
            operation: OPERATION,
            service: "appmesh",
            method: "GET",
            url: &url,
            headers: Vec::new(),
            body: &[],
        };
        let mut last = silent(&endpoint, "there is no answer");
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let request = self.signed(&unsigned).await?;
            let answer = match wire.send(request).await {
                Ok(answer) => answer,
                Err(error) => {
                    let why = crate::diag::with_causes(&error);
                    last = silent(&endpoint, &why);
                    continue;
                }
            };
            let status = answer.status().as_u16();
            let kind = answer.headers().get("x-amzn-errortype").unwrap_or_default();
            let denied = denies(kind) || {
                let said = ByteStream::new(answer.into_body()).collect().await;
                said.is_ok_and(|said| denies(&String::from_utf8_lossy(&said.into_bytes())))
            };
            match status {
                200 | 429 => return Ok(AppMeshAnswer::Answers),
                403 if denied => return Ok(AppMeshAnswer::Answers),
                500 | 502..=599 => last = silent(&endpoint, &format!("it says {status}")),
                _ => return Ok(silent(&endpoint, &format!("it says {status}"))),
            }
        }
        Ok(last)
    }
}

/// `AccessDenied` or `AccessDeniedException`, wherever an answer has it.
fn denies(text: &str) -> bool {
    text.contains("AccessDenied")
}

fn silent(endpoint: &str, why: &str) -> AppMeshAnswer {
    AppMeshAnswer::Silent {
        why: format!("App Mesh does not answer at `{endpoint}`: {why}"),
    }
}
