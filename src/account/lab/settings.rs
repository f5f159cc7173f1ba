//! What a laboratory is asked for, in YAML or in Rust.

use crate::diag::Source;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// A whole laboratory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabSettings {
    /// Where chance comes from.
    pub seed: u64,
    /// How long things take; nothing to be as quick as this machine.
    pub latency: Option<LatencySettings>,
    /// How often calls may be made.
    pub limits: Vec<Limit>,
    /// What goes wrong.
    pub faults: Faults,
    /// The file that calls are written to, a JSON document a line. Without
    /// one they are kept in memory.
    pub call_log: Option<PathBuf>,
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencySettings {
    /// Which of the times that were seen on AWS.
    pub speed: Speed,
    /// What they are multiplied by: 0.01 makes two minutes 1.2 s.
    pub scale: f64,
}

/// Which of the times that were seen on AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speed {
    /// The shortest.
    Fast,
    /// The usual.
    #[default]
    Median,
    /// The longest.
    Slow,
    /// One between shortest and longest for each resource, by the seed; half
    /// of them are shorter than the usual. Where one time is known, around it.
    Drawn,
}

/// A limit on calls: a bucket that fills by `rate` a second up to `burst`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Patterns such as `cloudformation:Describe*`.
    pub operations: Vec<String>,
    /// Calls a second.
    pub rate: f64,
    /// Calls at once.
    pub burst: u32,
    /// Whether they share one bucket; else each operation has its own.
    #[serde(default)]
    pub together: bool,
}

/// What goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// With calls.
    pub calls: Vec<CallFault>,
    /// With resources.
    pub resources: Vec<ResourceFault>,
}

/// A rule for calls. Without `nth` and `probability` it is for each one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// A pattern such as `ecs:*` or `registry:PUT`.
    pub operation: String,
    /// The first of these calls that is hit, counted from 1.
    #[serde(default)]
    pub nth: Option<u64>,
    /// How likely each of them is hit, from 0 to 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// How many are hit at most. With `nth`, 1 unless it is said.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens to it.
    #[serde(rename = "do")]
    pub effect: CallEffect,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CallEffect {
    /// It is refused as one too many, with the service's own error.
    Throttle,
    /// It is answered with status 500, and nothing was done.
    Internal,
    /// The connection is reset, and nothing was done.
    Reset,
    /// It is done, and the connection is reset before the answer.
    ResetAfter,
    /// It is done a little later.
    Delay {
        /// How much later.
        seconds: f64,
    },
    /// It is answered with this error, and nothing was done.
    Error {
        /// Its code.
        code: String,
        /// What it says.
        message: String,
        /// Its HTTP status.
        #[serde(default = "client_error")]
        status: u16,
    },
}

fn client_error() -> u16 {
    400
}

/// A rule for resources; each field that is given must fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceFault {
    /// A pattern for the stack's name.
    #[serde(default = "anything")]
    pub stack: String,
    /// A pattern for the name in the template.
    #[serde(default = "anything")]
    pub logical_id: String,
    /// A pattern for the type.
    #[serde(default = "anything", rename = "type")]
    pub resource_type: String,
    /// What is being done to it; anything when it is empty.
    #[serde(default)]
    pub on: Vec<super::Verb>,
    /// How often at most.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens to it.
    #[serde(rename = "do")]
    pub effect: ResourceEffect,
}

fn anything() -> String {
    "*".to_owned()
}

/// What happens to a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResourceEffect {
    /// It fails at once.
    Fail {
        /// What its handler says.
        reason: String,
    },
    /// It is begun with, takes its time, and fails.
    FailLate {
        /// What its handler says.
        reason: String,
    },
    /// It takes so much longer.
    Slow {
        /// Not scaled.
        seconds: f64,
    },
    /// It never comes to an end, as long as the rule stands.
    Stuck,
}

/// Why a laboratory is not one.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LabError(String);

// === impl LabError ===

impl LabError {
    pub(super) fn log(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self(format!(
            "cannot write the call log `{}`: {error}",
            path.display()
        ))
    }
}

// === impl LabSettings ===

impl LabSettings {
    /// Reads the settings from YAML.
    pub fn parse(name: &str, text: &str) -> Result<Self, LabError> {
        let source = Arc::new(Source::new(name, text));
        let tree = crate::yaml::parse(&source).map_err(|found| LabError(found.to_string()))?;
        let settings: Self = serde_json::from_value(crate::yaml::to_json(&tree))
            .map_err(|error| LabError(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether the numbers can be meant.
    pub(super) fn check(&self) -> Result<(), LabError> {
        let wrong = |what: &str, number: f64| {
            Err(LabError(format!(
                "{what} is {number}, which is out of range"
            )))
        };
        if let Some(latency) = &self.latency
            && !(0.0..=1000.0).contains(&latency.scale)
        {
            return wrong("`latency.scale`", latency.scale);
        }
        for limit in &self.limits {
            if !(limit.rate.is_finite() && limit.rate > 0.0) || limit.burst == 0 {
                return wrong("a limit's `rate` or `burst`", limit.rate);
            }
        }
        let likely = self.faults.calls.iter().filter_map(|rule| rule.probability);
        for probability in likely {
            if !(0.0..=1.0).contains(&probability) {
                return wrong("`probability`", probability);
            }
        }
        let seconds = self
            .faults
            .calls
            .iter()
            .filter_map(|rule| match rule.effect {
                CallEffect::Delay { seconds } => Some(seconds),
                _ => None,
            });
        let slower = self
            .faults
            .resources
            .iter()
            .filter_map(|rule| match rule.effect {
                ResourceEffect::Slow { seconds } => Some(seconds),
                _ => None,
            });
        for seconds in seconds.chain(slower) {
            if !(0.0..=86_400.0).contains(&seconds) {
                return wrong("`seconds`", seconds);
            }
        }
        Ok(())
    }
}

impl Default for LatencySettings {
    fn default() -> Self {
        Self {
            speed: Speed::Median,
            scale: 1.0,
        }
    }
}

// === impl CallFault ===

impl CallFault {
    /// Hits the nth of these calls.
    pub fn nth(operation: &str, nth: u64, effect: CallEffect) -> Self {
        Self {
            operation: operation.to_owned(),
            nth: Some(nth),
            probability: None,
            times: None,
            effect,
        }
    }

    /// Hits each of these calls.
    pub fn each(operation: &str, effect: CallEffect) -> Self {
        Self {
            operation: operation.to_owned(),
            nth: None,
            probability: None,
            times: None,
            effect,
        }
    }
}

// === impl ResourceFault ===

impl ResourceFault {
    /// Hits a resource of a stack while this is being done to it.
    pub fn of(stack: &str, logical_id: &str, on: super::Verb, effect: ResourceEffect) -> Self {
        Self {
            stack: stack.to_owned(),
            logical_id: logical_id.to_owned(),
            resource_type: anything(),
            on: vec![on],
            times: None,
            effect,
        }
    }

    /// At most so often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_all_of_it() {
        let text = r#"
seed: 7
latency: {speed: drawn, scale: 0.01}
limits:
  - {operations: ["cloudformation:Describe*"], rate: 1, burst: 2, together: true}
faults:
  calls:
    - {operation: "ecs:*", nth: 2, do: throttle}
    - {operation: "registry:PUT", probability: 0.5, do: {delay: {seconds: 2}}}
    - operation: "cloudformation:ExecuteChangeSet"
      do: {error: {code: AccessDenied, message: no, status: 403}}
  resources:
    - {stack: demo-vpc, type: "AWS::EC2::NatGateway", on: [create], do: {fail: {reason: none left}}}
    - {logical_id: Service, on: [delete, roll_back], times: 1, do: stuck}
"#;
        let lab = LabSettings::parse("lab.yaml", text).unwrap();
        assert_eq!(lab.latency.unwrap().speed, Speed::Drawn);
        assert_eq!(lab.limits[0].burst, 2);
        assert_eq!(lab.faults.calls[0].effect, CallEffect::Throttle);
        assert_eq!(
            lab.faults.calls[2].effect,
            CallEffect::Error {
                code: "AccessDenied".to_owned(),
                message: "no".to_owned(),
                status: 403
            }
        );
        assert_eq!(lab.faults.resources[1].stack, "*");
        assert_eq!(lab.faults.resources[1].effect, ResourceEffect::Stuck);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for wrong in [
            "colour: red",
            "latency: {speed: median, scale: -1}",
            "limits: [{operations: [a], rate: 0, burst: 1}]",
            "faults: {calls: [{operation: a, do: explode}]}",
            "faults: {calls: [{operation: a, do: {delay: {seconds: -1}}}]}",
            "faults: {calls: [{operation: a, probability: 2, do: reset}]}",
            "faults: {resources: [{on: [paint], do: stuck}]}",
            "a: [",
        ] {
            assert!(LabSettings::parse("lab.yaml", wrong).is_err(), "{wrong}");
        }
    }
}
