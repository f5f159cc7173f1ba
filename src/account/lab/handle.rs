//! The handle that the account and the endpoint ask.

use super::latency::{Latency, Span};
use super::log::{Call, Log};
use super::meter::Meter;
use super::rules::{Rules, Subject};
use super::settings::{
    CallEffect, CallFault, LabError, LabSettings, ResourceEffect, ResourceFault,
};
use std::fs::OpenOptions;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A laboratory, or none; copies are the same one.
#[derive(Clone, Debug, Default)]
pub struct Lab(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    latency: Option<Latency>,
    meter: Mutex<Meter>,
    rules: Mutex<Rules>,
    log: Mutex<Log>,
}

/// Where in the life of a resource something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum Moment {
    /// Before anything is done.
    Begin,
    /// When it would be complete.
    End,
}

/// What a call meets before it is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Met {
    /// It is one too many.
    Limit,
    /// A rule.
    Rule(CallEffect),
}

// === impl Lab ===

impl Lab {
    /// No laboratory: everything as quick as it is, and nothing fails.
    pub fn off() -> Self {
        Self(None)
    }

    /// A laboratory.
    pub fn new(settings: LabSettings) -> Result<Self, LabError> {
        settings.check()?;
        let log = match &settings.call_log {
            None => Log::Memory(Vec::new()),
            Some(path) => {
                let opened = OpenOptions::new().create(true).append(true).open(path);
                let file = opened.map_err(|error| LabError::log(path, &error))?;
                Log::File(file)
            }
        };
        let seed = settings.seed;
        Ok(Self(Some(Arc::new(Inner {
            latency: settings.latency.map(|latency| Latency::new(latency, seed)),
            meter: Mutex::new(Meter::new(settings.limits)),
            rules: Mutex::new(Rules::new(seed, settings.faults)),
            log: Mutex::new(log),
        }))))
    }

    /// How long things take, when that is said.
    pub fn latency(&self) -> Option<&Latency> {
        self.0.as_ref()?.latency.as_ref()
    }

    /// Another rule for calls; counting begins with it.
    pub fn fail_call(&self, rule: CallFault) {
        self.with_rules(|rules| rules.add_call(rule));
    }

    /// Another rule for resources; counting begins with it.
    pub fn fail_resource(&self, rule: ResourceFault) {
        self.with_rules(|rules| rules.add_resource(rule));
    }

    /// No rules any more; limits stay.
    pub fn heal(&self) {
        self.with_rules(Rules::clear);
    }

    /// The calls so far, oldest first, unless they go to a file.
    pub fn calls(&self) -> Vec<Call> {
        match self.0.as_ref().map(|inner| lock(&inner.log)) {
            Some(log) => match &*log {
                Log::Memory(calls) => calls.clone(),
                Log::File(_) => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        if let Some(inner) = &self.0
            && let Log::Memory(calls) = &mut *lock(&inner.log)
        {
            calls.clear();
        }
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What this call meets, such as `cloudformation:DescribeStacks`.
    pub fn meet(&self, operation: &str) -> Option<Met> {
        let inner = self.0.as_ref()?;
        if !lock(&inner.meter).admits(operation) {
            return Some(Met::Limit);
        }
        lock(&inner.rules).call(operation).map(Met::Rule)
    }

    /// Writes a call down.
    pub fn note(&self, call: Call) {
        if let Some(inner) = &self.0 {
            lock(&inner.log).add(call);
        }
    }

    /// What a resource takes, slowed by the rules; `usual` without latency.
    pub(in crate::account) fn span(&self, subject: Subject<'_>, usual: Duration) -> Span {
        let Subject {
            stack,
            logical_id,
            resource_type,
            verb,
        } = subject;
        let span = match self.latency() {
            Some(latency) => latency.span(stack, logical_id, resource_type, verb),
            None => Span::default(),
        };
        let slow = self.resource(subject, |effect| {
            matches!(effect, ResourceEffect::Slow { .. })
        });
        let more = match slow {
            Some(ResourceEffect::Slow { seconds }) => Duration::from_secs_f64(seconds),
            _ => Duration::ZERO,
        };
        Span {
            complete: (span.complete + more).max(usual),
            ..span
        }
    }

    /// Why a resource fails at this moment.
    pub(in crate::account) fn failure(
        &self,
        subject: Subject<'_>,
        moment: Moment,
    ) -> Option<String> {
        let effect = self.resource(subject, |effect| match moment {
            Moment::Begin => matches!(effect, ResourceEffect::Fail { .. }),
            Moment::End => matches!(effect, ResourceEffect::FailLate { .. }),
        });
        match effect {
            Some(ResourceEffect::Fail { reason } | ResourceEffect::FailLate { reason }) => {
                Some(reason)
            }
            _ => None,
        }
    }

    /// Whether a resource does not come to an end.
    pub(in crate::account) fn is_stuck(&self, subject: Subject<'_>) -> bool {
        let stuck = |effect: &ResourceEffect| matches!(effect, ResourceEffect::Stuck);
        self.resource(subject, stuck).is_some()
    }

    fn resource(
        &self,
        subject: Subject<'_>,
        wanted: impl Fn(&ResourceEffect) -> bool,
    ) -> Option<ResourceEffect> {
        lock(&self.0.as_ref()?.rules).resource(subject, wanted)
    }

    fn with_rules(&self, change: impl FnOnce(&mut Rules)) {
        if let Some(inner) = &self.0 {
            change(&mut lock(&inner.rules));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
