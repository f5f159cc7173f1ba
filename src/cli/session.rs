//! What a command works with: settings, the account behind the target, and on
//! the local target the daemon.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::args::Global;
use super::exit::Exit;
use super::local::claim::{Claim, Claiming};
use super::local::paths::Paths;
use super::local::status::{self, LocalStatus};
use super::local::{self, Running};
use super::printer::Printer;
use super::settings;
use crate::aws::{Cloud, CloudError, CredentialSource, Identity, Options};
use crate::config::{Config, Target};

/// How long the endpoint's own end may take to show after a failure.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// In the place of the account's digits, where it is not known.
const SOME_ACCOUNT: &str = "account";

/// Settings and the account that they lead to.
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) cloud: Cloud,
    pub(crate) local: Option<LocalSession>,
    /// What answers in the place of AWS, if something does.
    endpoint_url: Option<String>,
    /// Who is calling, or that nobody says: it is asked once.
    caller: OnceCell<Result<Identity, CloudError>>,
}

/// The local target's part of a session.
pub(crate) struct LocalSession {
    pub(crate) paths: Paths,
    pub(crate) running: Running,
}

impl Session {
    /// Connects; on the local target the daemon is started when it does not
    /// run.
    pub(crate) async fn with(
        config: Config,
        endpoint_url: Option<String>,
        printer: Printer,
    ) -> Result<Self> {
        let local = match config.target {
            Target::Local => {
                let paths = Paths::find()?;
                let running = local::start(&paths, &config, printer).await?;
                Some(LocalSession { paths, running })
            }
            Target::Aws => None,
        };
        let cloud = connect(&config, endpoint_url.clone(), local.as_ref()).await;
        Ok(Self {
            config,
            cloud,
            local,
            endpoint_url,
            caller: OnceCell::new(),
        })
    }

    /// Connects only to what runs already: `None` when the local endpoint does
    /// not.
    pub(crate) async fn existing(global: &Global) -> Result<Option<Self>> {
        let config = settings::load(global)?;
        let local = match config.target {
            Target::Local => {
                let paths = Paths::find()?;
                let Some(running) = local::running(&paths).await? else {
                    return Ok(None);
                };
                Some(LocalSession { paths, running })
            }
            Target::Aws => None,
        };
        let cloud = connect(&config, global.endpoint_url.clone(), local.as_ref()).await;
        Ok(Some(Self {
            config,
            cloud,
            local,
            endpoint_url: global.endpoint_url.clone(),
            caller: OnceCell::new(),
        }))
    }

    /// What the daemon tells of itself, when there is one that answers.
    pub(crate) async fn local_status(&self) -> Option<LocalStatus> {
        let local = self.local.as_ref()?;
        status::ask(&local.running.record).await.ok()
    }

    /// Returns when the local endpoint has ended under the command; never on
    /// AWS.
    pub(crate) async fn lost(&self) -> anyhow::Error {
        let Some(local) = &self.local else {
            return std::future::pending().await;
        };
        local.running.process.ended().await;
        anyhow::anyhow!(
            "the local endpoint (process {}) ended in the middle of this: {}\n\n\
             hint: the same command again starts it and goes on from there",
            local.running.process.number(),
            local::said(&local.paths)
        )
    }

    /// Does the work, unless the local endpoint ends before: then that is the
    /// error, whatever shows first.
    pub(crate) async fn or_lost<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.local.is_none() {
            return work.await;
        }
        let done = tokio::select! {
            lost = self.lost() => return Err(lost),
            done = work => done,
        };
        match done {
            Ok(done) => Ok(done),
            Err(error) => Err(timeout(LAST_LOOK, self.lost()).await.unwrap_or(error)),
        }
    }

    /// The right to change the environment in this account and region, which
    /// one command of this machine has at a time. What other machines do shows
    /// in the stacks, and is waited for there.
    pub(crate) async fn claim_on_aws(
        &self,
        claiming: Claiming,
        printer: Printer,
    ) -> Result<Option<Claim>> {
        let path = self.place_on_aws().await?;
        let name = self.config.environment.to_string();
        let claim = Claim::environment(&path, &name, claiming, printer);
        claim.await.map(Some)
    }

    /// The file that stands for the environment on this machine.
    pub(crate) async fn place(&self) -> Result<PathBuf> {
        match self.config.target {
            Target::Local => Ok(Paths::find()?.claim(self.config.environment.as_str())),
            Target::Aws => self.place_on_aws().await,
        }
    }

    /// That file, and on AWS also the one that stands for it as long as the
    /// account is not known: what STS does not say now it may say the next time.
    pub(crate) async fn places(&self) -> Result<Vec<PathBuf>> {
        let mut places = vec![self.place().await?];
        if self.config.target == Target::Aws {
            places.push(self.place_in(SOME_ACCOUNT)?);
        }
        places.dedup();
        Ok(places)
    }

    async fn place_on_aws(&self) -> Result<PathBuf> {
        // An endpoint without STS still has the environment's name.
        let account = match &self.config.account_id {
            Some(account) => account.as_str(),
            None => match self.caller().await {
                Ok(identity) => &identity.account,
                Err(_) => SOME_ACCOUNT,
            },
        };
        self.place_in(account)
    }

    async fn caller(&self) -> &Result<Identity, CloudError> {
        self.caller.get_or_init(|| self.cloud.identity()).await
    }

    fn place_in(&self, account: &str) -> Result<PathBuf> {
        let (region, name) = (&self.config.region, &self.config.environment);
        let mut key = format!("{account}-{region}-{name}");
        if let Some(endpoint) = &self.endpoint_url {
            key = format!("{key}-{endpoint}");
        }
        Ok(Paths::find()?.claim_on_aws(&key))
    }

    /// Says who and where this is on AWS, and checks that it is an account
    /// that the settings name.
    pub(crate) async fn check_account(&self, printer: Printer) -> Result<()> {
        if self.local.is_some() {
            return Ok(());
        }
        let config = &self.config;
        let is_guarded = config.account_id.is_some() || !config.allowed_accounts.is_empty();
        let identity = match self.caller().await {
            Ok(identity) => identity,
            // An emulator may know no accounts.
            Err(CloudError::Refused { .. } | CloudError::Unreadable { .. }) if !is_guarded => {
                printer.say(&format!("an account of {}", self.cloud.endpoint()));
                return Ok(());
            }
            Err(error) => return Err(error.clone()).context("cannot tell which account this is"),
        };
        printer.say(&format!(
            "account {} as {} in {} ({})",
            identity.account,
            identity.arn,
            config.region,
            self.cloud.endpoint()
        ));
        refuse_others(config, &identity.account).map_err(Into::into)
    }
}

/// Another account than the settings name is not touched.
fn refuse_others(config: &Config, account: &str) -> Result<(), Exit> {
    let hint = "hint: another profile (`--profile`, AWS_PROFILE) or role leads to another account";
    if let Some(expected) = &config.account_id
        && expected.as_str() != account
    {
        return Err(Exit::usage(format!(
            "these credentials are for account {account}, the settings (`account_id` or \
             AWS_ACCOUNT_ID) name {expected}; nothing was changed\n\n{hint}"
        )));
    }
    let allowed = &config.allowed_accounts;
    if !allowed.is_empty() && allowed.iter().all(|each| each.as_str() != account) {
        return Err(Exit::usage(format!(
            "these credentials are for account {account}, which is none of the settings' \
             `allowed_accounts`; nothing was changed\n\n{hint}"
        )));
    }
    Ok(())
}

/// The right to change the environment on this machine, which one command has
/// at a time. For AWS see [`Session::claim_on_aws`].
pub(crate) async fn claim(
    config: &Config,
    claiming: Claiming,
    printer: Printer,
) -> Result<Option<Claim>> {
    if config.target == Target::Aws {
        return Ok(None);
    }
    let name = config.environment.to_string();
    let path = Paths::find()?.claim(&name);
    let claim = Claim::environment(&path, &name, claiming, printer);
    claim.await.map(Some)
}

async fn connect(
    config: &Config,
    endpoint_url: Option<String>,
    local: Option<&LocalSession>,
) -> Cloud {
    let options = Options {
        region: config.region.to_string(),
        profile: config.profile.as_ref().map(ToString::to_string),
        endpoint_url: local
            .map(|local| local.running.record.url())
            .or(endpoint_url),
        credentials: match local {
            Some(_) => CredentialSource::Local,
            None => CredentialSource::Chain,
        },
    };
    Cloud::connect(options).await
}
