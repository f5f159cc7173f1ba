//! One account on loopback that takes its time.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use axum::Router;
use colormesh::account::lab::{
    Call, CallEffect, CallFault, Faults, Lab, LabSettings, LatencySettings, Limit, Speed,
};
use colormesh::account::{self, Account};
use colormesh::endpoint::Endpoint;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::settings::Settings;
use crate::tasks;

/// What a tool is let loose on; it ends with the value.
pub(crate) struct Field {
    folder: TempDir,
    address: SocketAddr,
    lab: Lab,
    work: Vec<JoinHandle<()>>,
}

// === impl Field ===

impl Field {
    /// An account whose times are those of this seed. With `few_reads`, one
    /// read a second is allowed, and every tenth call is throttled by chance.
    pub(crate) async fn start(seed: u64, settings: &Settings, few_reads: bool) -> Result<Self> {
        let folder = TempDir::with_prefix("colormesh-bench-")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let lab = Lab::new(laboratory(seed, settings.scale, few_reads))?;
        let account = Account::open(account::Options {
            registry_host: address.to_string(),
            lab: lab.clone(),
            ..account::Options::new(folder.path().join("account"))
        })?;
        let endpoint = Endpoint {
            extra: Router::new(),
        };
        let tasks = tokio::spawn(tasks::run(account.clone()));
        let serving = endpoint.serve(listener, account, std::future::pending());
        let serving = tokio::spawn(async move {
            let _ = serving.await;
        });
        Ok(Self {
            folder,
            address,
            lab,
            work: vec![tasks, serving],
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls since the last time.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let calls = self.lab.calls();
        self.lab.forget_calls();
        calls
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.work.iter().for_each(JoinHandle::abort);
    }
}

fn laboratory(seed: u64, scale: f64, few_reads: bool) -> LabSettings {
    let reads = ["Describe*", "List*", "Get*"].map(|verb| format!("cloudformation:{verb}"));
    let limit = Limit {
        operations: reads.to_vec(),
        rate: 1.0,
        burst: 10,
        together: true,
    };
    let throttled = CallFault {
        operation: "cloudformation:*".to_owned(),
        nth: None,
        probability: Some(0.1),
        times: None,
        effect: CallEffect::Throttle,
    };
    LabSettings {
        seed,
        latency: Some(LatencySettings {
            speed: Speed::Drawn,
            scale,
        }),
        limits: few_reads.then_some(limit).into_iter().collect(),
        faults: Faults {
            calls: few_reads.then_some(throttled).into_iter().collect(),
            ..Faults::default()
        },
        ..LabSettings::default()
    }
}
