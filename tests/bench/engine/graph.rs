//! The stacks, what each needs, and the longest way through them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, anyhow};
use colormesh::config::{self, Input, Overrides};
use colormesh::plan::{Deployed, ImagePlan, Plan, StepId, Wishes};
use colormesh::stack::{self, ParameterValue, RenderedStack};

/// What stands for the app's image where nobody pulls it.
const IMAGE: &str = "localhost/app:latest";

/// The walkthrough's stacks in an order in which they can be created.
pub(crate) struct Graph {
    pub(crate) stacks: Vec<RenderedStack>,
    /// By name, the stacks that have to stand before.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
}

// === impl Graph ===

impl Graph {
    pub(crate) fn load() -> Result<Self> {
        let variables = |name: &str| (name == "KEY_PAIR_NAME").then(|| "none".to_owned());
        let input = Input {
            file: None,
            environment: &variables,
            overrides: Overrides::default(),
        };
        let config = config::load(&input).map_err(|mistakes| anyhow!("{mistakes}"))?;
        let stacks = stack::render(&config).map_err(|mistakes| anyhow!("{mistakes}"))?;
        let wishes = Wishes {
            environment: config.environment.to_string(),
            key_pair: None,
            image: ImagePlan::Given(IMAGE.to_owned()),
            unwanted: Vec::new(),
        };
        let plan = Plan::up(stacks.clone(), &Deployed::default(), &wishes)
            .map_err(|cycle| anyhow!("{cycle:?}"))?;
        let name = |id: &StepId| match id {
            StepId::Stack(name) => Some(name.to_string()),
            _ => None,
        };
        let mut needs = BTreeMap::new();
        for step in &plan.steps {
            if let Some(stack) = name(&step.id) {
                needs.insert(stack, step.needs.iter().filter_map(name).collect());
            }
        }
        let mut graph = Self { stacks, needs };
        let order = graph.order();
        let place = |stack: &RenderedStack| order.iter().position(|n| n == stack.name.as_str());
        graph.stacks.sort_by_key(place);
        Ok(graph)
    }

    /// The parameters of a stack, for tools that are given them.
    pub(crate) fn parameters(stack: &RenderedStack) -> Vec<(&str, &str)> {
        let given = stack.parameters.iter();
        given
            .map(|(name, value)| match value {
                ParameterValue::Known(value) => (name.as_str(), value.as_str()),
                ParameterValue::AppImage | ParameterValue::PushedImage(_) => (name.as_str(), IMAGE),
            })
            .collect()
    }

    fn order(&self) -> Vec<String> {
        let mut order: Vec<String> = Vec::new();
        while let Some((next, _)) = self
            .needs
            .iter()
            .find(|(name, needs)| !order.contains(name) && needs.iter().all(|n| order.contains(n)))
        {
            order.push(next.clone());
        }
        order
    }

    /// The longest way, by what each stack took itself. The way down is as
    /// long backwards as forwards.
    pub(crate) fn critical_path(&self, took: &BTreeMap<String, Duration>) -> Duration {
        let mut ends: BTreeMap<String, Duration> = BTreeMap::new();
        for name in self.order() {
            let needs = self.needs[&name].iter();
            let start = needs.filter_map(|need| ends.get(need)).max().copied();
            let own = took.get(&name).copied().unwrap_or_default();
            ends.insert(name, start.unwrap_or_default() + own);
        }
        ends.into_values().max().unwrap_or_default()
    }
}
