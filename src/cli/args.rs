//! What can be typed. Nothing here leaves `cli`: each command gets resolved
//! settings, not these types.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::commands;
use super::evidence::{Destination, Log};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage or settings (nothing was changed),
3 `plan --exit-code` found changes, or `status --drift --exit-code` drift, 4 the deploy was rolled back,
5 verification failed, 130 interrupted, 143 terminated.
With `--output json` what ends early gives {\"error\", \"hint\", \"code\"} on stdout.";

const LOG_SHAPE: &str = "\
With `--output json` each line is a JSON document of its own, in the order of
time, with what applies of these:
  time, task, log       always; `log` is app, envoy, allowed or denied
  text                  what the app or Envoy said
  attempt               what was refused: tls, tls-without-name, plain-text,
                        silent, tcp, http, dns
  protocol              of what was refused: tcp, http, dns
  event, direction      of what was let through: open, close or request;
                        egress (the app's own) or ingress
  service               the modelled service
  server_name, host     the name asked for: by TLS; by HTTP, or looked up
  address, port         where the app meant to connect to
  upstream              where Envoy connected to
  method, path, status, location, record, client, flags, details
  bytes_sent, bytes_received, duration_ms     to and from the app";

const LAB_SHAPE: &str = "\
A laboratory, in YAML; each part may be left out:
  seed: 7                       where chance comes from
  latency:                      AWS's own times, by resource type
    speed: median               or fast, slow, drawn (by the seed)
    scale: 0.01                 what they are multiplied by
  limits:                       calls a second and at once; together: one bucket
    - {operations: ['cloudformation:Describe*'], rate: 1, burst: 5, together: true}
  faults:
    calls:                      do: throttle, internal, reset, reset_after,
                                {delay: {seconds: 2}}, {error: {code, message, status}}
      - {operation: 'cloudformation:ExecuteChangeSet', nth: 1, times: 2, do: reset}
      - {operation: 'registry:PUT', probability: 0.1, do: internal}
    resources:                  do: stuck, {fail: {reason}}, {fail_late: {reason}},
                                {slow: {seconds: 30}}; on: create, update, roll_back, delete
      - {stack: '*-vpc', type: 'AWS::EC2::NatGateway', on: [create], times: 1,
         do: {fail: {reason: none left}}}

`local start` without --lab and --call-log leaves a running endpoint as it is; `local stop` ends
the laboratory.";

const STATUS_SHAPE: &str = "\
With `--output json`, one document:
  environment, target, endpoint    the endpoint is null until it is deployed
  stacks      status by stack
  attention   by stack that needs somebody: advice, cause
  services    running and desired tasks by service
  envoys      health by task
  local       the local endpoint: endpoint, pid, version, world, tasks, problems, and behind (tasks
              whose Envoys do not have the mesh as it is now)
  drift       with --drift, by stack: status (IN_SYNC, DRIFTED, NOT_CHECKED, UNKNOWN), failure (why
              something could not be compared), resources (those that differ: logical_id, physical_id,
              resource_type, kind (modified, deleted), properties (path, expected, actual))
  traffic     since (the oldest line there is), and the most frequent first:
    allowed   service, count, bytes_sent, bytes_received, last
    denied    name or address, port, attempt (as in `logs`), count, first, last,
              tasks, destinations, suggestion (a line of the settings), why
    allowed_elsewhere, denied_elsewhere    counts beyond 10,000 destinations";

const REPORT_SHAPE: &str = "\
With `--output json`, one document:
  environment, target, world, passed, seconds
  checks      of each: name, verdict (passed, failed, skipped), expected, seen,
              evidence, seconds";

/// A service mesh whose containers reach only the outside services it names:
/// deployed, run on this machine, and proved.
#[derive(Debug, Parser)]
#[command(name = "colormesh", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Settings file [default: colormesh.yaml, when it is there]
    #[arg(long, short = 'f', global = true, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What stdout gets
    #[arg(long, short = 'o', global = true, value_enum, default_value_t)]
    pub(crate) output: Format,
    /// Say less on stderr
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Another AWS-compatible endpoint for the `aws` target
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Flags that set what the settings file sets too.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Settings (over the file and the environment)")]
pub(crate) struct Settings {
    /// Where to deploy: this machine, or AWS
    #[arg(long, global = true, value_name = "local|aws")]
    pub(crate) target: Option<String>,
    /// What the stacks' names start with
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// AWS region
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// The account that the caller's must be
    #[arg(long, global = true, value_name = "DIGITS")]
    pub(crate) account_id: Option<String>,
    /// What the mesh does with connections to a host that is not modelled;
    /// `verify --egress`, without a value, tries every way out
    #[arg(long, global = true, value_name = "DROP_ALL|ALLOW_ALL", num_args = 0..=1, default_missing_value = "")]
    pub(crate) egress: Option<String>,
    /// What the outside world is on the local target
    #[arg(long, global = true, value_name = "auto|real|stand-in")]
    pub(crate) internet: Option<String>,
    /// An image of your own instead of the colour app
    #[arg(long, global = true)]
    pub(crate) image: Option<String>,
    /// Name of the mesh
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) mesh_name: Option<String>,
    /// Who runs the mesh
    #[arg(
        long,
        global = true,
        value_name = "auto|app-mesh|envoy",
        hide_short_help = true
    )]
    pub(crate) mesh_runtime: Option<String>,
    /// How the app's connections come to its Envoy on ECS
    #[arg(
        long,
        global = true,
        value_name = "proxy-configuration|init-container|ports",
        hide_short_help = true
    )]
    pub(crate) mesh_redirect: Option<String>,
    /// Private DNS domain of the mesh's own services
    #[arg(long, global = true, value_name = "DOMAIN", hide_short_help = true)]
    pub(crate) services_domain: Option<String>,
    /// ECR repository of the app's image
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) image_name: Option<String>,
    /// Key pair of the bastion
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) key_pair: Option<String>,
    /// Image of the sidecars
    #[arg(long, global = true, value_name = "IMAGE", hide_short_help = true)]
    pub(crate) envoy_image: Option<String>,
    /// Who may open SSH to the bastion
    #[arg(long, global = true, value_name = "CIDR", hide_short_help = true)]
    pub(crate) ssh_from: Option<String>,
    /// The role that CloudFormation acts as
    #[arg(long, global = true, value_name = "ARN", hide_short_help = true)]
    pub(crate) role_arn: Option<String>,
    /// The bucket through which templates go that are too long for a request
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) s3_bucket: Option<String>,
    /// A topic that is told of every event of a stack; may be given again
    #[arg(
        long = "notification-arn",
        global = true,
        value_name = "ARN",
        hide_short_help = true
    )]
    pub(crate) notification_arns: Vec<String>,
}

// === impl Settings ===

impl Settings {
    /// Whether `--egress` stands there without a value.
    pub(crate) fn tries_ways_out(&self) -> bool {
        self.egress.as_deref() == Some("")
    }
}

/// What stdout gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Deploy everything, wait until the app answers, print its endpoint
    Up(Up),
    /// Prove it: what is modelled answers, everything else is dropped
    #[command(after_help = REPORT_SHAPE)]
    Verify(Verify),
    /// Remove everything, in reverse order; done when nothing is there
    Down(Down),
    /// Show what `up` would do
    Plan(Plan),
    /// Show stacks, services, endpoint, and what the mesh allowed and denied
    #[command(after_help = STATUS_SHAPE)]
    Status(Status),
    /// Write the CloudFormation templates
    Render(Render),
    /// Show what the app and its proxies wrote, let through and refused
    #[command(after_help = LOG_SHAPE)]
    Logs(Logs),
    /// Say what this machine lacks, and how to get it
    Doctor(Doctor),
    /// The local endpoint
    #[command(subcommand)]
    Local(Local),
    /// Print the JSON schema of `colormesh.yaml`, for editors
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Files for the CI job that a command is a step of.
#[derive(Debug, Args)]
#[command(next_help_heading = "CI")]
pub(crate) struct Job {
    /// Add a summary in Markdown to this file, such as `$GITHUB_STEP_SUMMARY`
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: Option<PathBuf>,
    /// Add `name=value` lines to this file, such as `$GITHUB_OUTPUT`: `changes`
    /// (plan, up, down), `endpoint` (up, verify), `passed` and `failed` (verify)
    #[arg(long, value_name = "FILE")]
    pub(crate) outputs: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Up {
    /// Answer every question with yes
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Delete what a failed creation or deletion left, and make it anew
    #[arg(long)]
    pub(crate) replace_failed: bool,
    /// What becomes of running operations when this is interrupted
    #[arg(long, value_name = "detach|cancel", value_enum, default_value_t)]
    pub(crate) on_interrupt: OnInterrupt,
    /// Replace or delete resources that hold data, where a change needs that
    #[arg(long)]
    pub(crate) allow_replacement: bool,
    /// A resource that a roll-back which failed may leave as it is; may be
    /// given again
    #[arg(long = "skip-resource", value_name = "STACK.LOGICALID")]
    pub(crate) skip_resources: Vec<String>,
    /// Leave instead of waiting for another command that changes the
    /// environment
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long the app may take to answer after the deploy
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) job: Job,
}

/// What becomes of running operations at an interrupt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnInterrupt {
    /// They go on; the same command takes them up again
    #[default]
    Detach,
    /// They are called off and watched: created stacks are deleted, updates
    /// taken back
    Cancel,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// How long to wait for what still warms up, such as `90s` or `5m`
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Also write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) job: Job,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Answer every question with yes
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) job: Job,
    /// Leave instead of waiting for another command that changes the
    /// environment
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Show each property before and after, and what the service says: it is
    /// asked with change sets, which are removed again
    #[arg(long)]
    pub(crate) detail: bool,
    /// End with 3 when something would change
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) job: Job,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Have CloudFormation compare each stack with what is really there, and
    /// show what was changed behind its back
    #[arg(long)]
    pub(crate) drift: bool,
    /// End with 3 when something has drifted
    #[arg(long, requires = "drift")]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print instead the policy of IAM that a caller needs for this
    /// environment, as JSON; nothing is asked for it
    #[arg(long, value_enum, value_name = "PART", num_args = 0..=1, default_missing_value = "all")]
    pub(crate) iam_policy: Option<PolicyPart>,
    /// Whose policy: with `--role-arn` CloudFormation acts as that role, and
    /// the caller only makes calls and hands it over
    #[arg(
        long = "for",
        value_enum,
        value_name = "WHOM",
        default_value_t,
        requires = "iam_policy"
    )]
    pub(crate) whom: Whom,
}

/// Who is allowed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// Who runs colormesh
    #[default]
    Caller,
    /// The role that CloudFormation acts as
    ServiceRole,
}

/// Which part of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyPart {
    /// All as one document
    All,
    /// The calls that colormesh makes
    Calls,
    /// What CloudFormation does in the caller's name for network and load balancer
    Network,
    /// What it does for all else
    Services,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// Write one file a stack into this folder instead of to stdout
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Only this stack: vpc, ingress, nat, ecs-cluster, ecr-repositories, mesh, ecs-service
    #[arg(value_name = "STACK")]
    pub(crate) stack: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Only refused connections, requests and names, and their counts
    #[arg(long, conflicts_with_all = ["allowed", "logs"])]
    pub(crate) denied: bool,
    /// Only what was let through
    #[arg(long, conflicts_with = "logs")]
    pub(crate) allowed: bool,
    /// Only this log; may be given again
    #[arg(long = "log", value_name = "LOG", value_enum)]
    pub(crate) logs: Vec<Log>,
    /// Only tasks with this in their name, such as `teller`; may be given again
    #[arg(long = "task", value_name = "TASK")]
    pub(crate) tasks: Vec<String>,
    /// Only what went to, or was refused at, this host (and those under it),
    /// address or port: `github.com`, `github.com:443`, `:5432`
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) destination: Option<Destination>,
    /// Only what is not older: `5m`, or `2026-11-23T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<u64>,
    /// Only the last so many lines [default: 100; all with `--since`]
    #[arg(long, short = 'n', value_name = "LINES")]
    pub(crate) lines: Option<usize>,
    /// Go on with what is added, until interrupted
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the local endpoint when it is not running
    #[command(after_help = LAB_SHAPE)]
    Start(Start),
    /// Stop it and everything that it runs; its state stays
    Stop,
    /// Say whether it runs, where, and what it runs
    #[command(after_help = STATUS_SHAPE)]
    Status,
    /// Print what points other AWS clients at it; for `eval`
    Env,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Make it a laboratory: as slow as AWS, with limits and faults; an
    /// endpoint that runs otherwise is restarted
    #[arg(long, value_name = "FILE")]
    pub(crate) lab: Option<PathBuf>,
    /// Append every call to this file, a JSON document a line
    #[arg(long, value_name = "FILE")]
    pub(crate) call_log: Option<PathBuf>,
}

fn since(text: &str) -> Result<u64, String> {
    commands::logs::since(text, duration(text))
}

/// `90s`, `5m`, `1h`, `250ms`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "write it like `90s` or `5m`".to_owned())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("`{unit}` is no unit; write it like `90s` or `5m`")),
    };
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| "that is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("5 minutes").is_err());
        assert!(duration("-1s").is_err());
        assert!(duration("99999999999999999999h").is_err());
        assert!(duration("9999999999999999h").is_err());
    }
}
