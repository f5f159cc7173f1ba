//! colormesh: a service mesh whose containers reach only the outside services
//! that it names. The modules, in the order in which data flows:
//!
//! ```text
//! config -> stack -> plan -> deploy -> aws        (what should be, sent to CloudFormation)
//! template -> mesh -> envoy -> runtime            (what the templates mean, made to run)
//! ```
//!
//! | room | holds | may use, besides `diag` |
//! |---|---|---|
//! | `diag` | findings in a user's text, and the one renderer | |
//! | `yaml` | text to a tree with tags and positions, and back | |
//! | `ports` | what a port number says of what is spoken on it | |
//! | `config` | `colormesh.yaml`, variables and flags to a `Config` | `yaml`, `ports` |
//! | `template` | the CloudFormation language | `yaml` |
//! | `stack` | our stacks: templates, rendering, order | `config`, `template`, `yaml` |
//! | `cost` | what rendered stacks cost on AWS | `config`, `stack`, `template` |
//! | `plan` | rendered stacks and what is deployed to a `Plan` | `stack`, `template`, `aws`, `yaml` |
//! | `aws` | the only room that names `aws_sdk_*` | `stack` |
//! | `deploy` | walks a `Plan`, tells events | `plan`, `stack`, `aws`, `image`, `yaml` |
//! | `image` | OCI images: build, push, pull, unpack | |
//! | `mesh` | App Mesh as types, and its rules | `template`, `ports` |
//! | `envoy` | a mesh to Envoy's configuration | `mesh`, `ports` |
//! | `account` | an AWS account on this machine; starts nothing | `template`, `mesh`, `image`, `yaml` |
//! | `endpoint` | the HTTP skin over `account` | `account`, `image` |
//! | `runtime` | tasks: namespaces, sidecars, DNS, load balancers | `mesh`, `envoy`, `image` |
//! | `verify` | expectations, probes, report | `config` |
//! | `cli` | arguments, words, exit codes, the daemon | all |
//!
//! The local path and the cloud path meet in two places only: both read
//! `template`, and both speak the AWS wire. `tests/it/architecture.rs` holds
//! the table.

// Tests within share files with those from the outside, which name us so.
#[cfg(test)]
extern crate self as colormesh;

pub mod account;
pub mod aws;
pub mod cli;
pub mod config;
pub mod cost;
pub mod deploy;
pub mod diag;
pub mod endpoint;
pub mod envoy;
pub mod image;
pub mod mesh;
pub mod plan;
pub mod ports;
pub mod runtime;
pub mod stack;
pub mod template;
pub mod verify;
pub mod yaml;
