//! Who is calling.

use serde::Serialize;

use super::{Cloud, CloudError};

/// The caller, as the account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The account's twelve digits.
    pub account: String,
    /// The user or role.
    pub arn: String,
}

impl Cloud {
    /// Who is calling; it is asked once.
    pub async fn identity(&self) -> Result<Identity, CloudError> {
        let identity = self.identity.get_or_try_init(|| self.ask_identity());
        identity.await.cloned()
    }

    async fn ask_identity(&self) -> Result<Identity, CloudError> {
        let operation = "sts:GetCallerIdentity";
        let answer = self
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(self.failure(operation))?;
        Ok(Identity {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        })
    }
}
