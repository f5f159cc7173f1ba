//! What it costs on AWS, for people and machines.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::layout::{table, wrapped};
use super::printer::{FAINT, GOOD, WARN};
use super::settings;
use crate::config::{Config, Target};
use crate::cost::{self, Bill, Line, Saving, Usd};
use crate::stack::RenderedStack;

/// A bill, and how to make it smaller.
#[derive(Serialize)]
pub(crate) struct Costs {
    #[serde(flatten)]
    bill: Bill,
    savings: Vec<Saving>,
}

// === impl Costs ===

impl Costs {
    /// What these stacks cost; nothing on this machine, where they are free.
    pub(crate) fn of(config: &Config, stacks: &[RenderedStack]) -> Result<Option<Self>> {
        if config.target == Target::Local {
            return Ok(None);
        }
        let bill = Bill::of(stacks, config.region.as_str());
        let bill = bill.map_err(|mistakes| settings::refused(&mistakes))?;
        let savings = cost::savings(config).map_err(|mistakes| settings::refused(&mistakes))?;
        Ok(Some(Self { bill, savings }))
    }

    /// The sum, in one line.
    pub(crate) fn sum(&self) -> String {
        let Bill {
            region,
            as_of,
            hourly,
            monthly,
            is_complete,
            ..
        } = &self.bill;
        let more = if *is_complete {
            ""
        } else {
            ", and what is unknown"
        };
        format!(
            "it costs {hourly} an hour, {monthly} a month{more}, by the list prices of {region} \
             as read up to {as_of}"
        )
    }

    /// The sum, what it is made of, and what would make it smaller.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let mut text = format!("\n{}\n", wrapped(&self.sum(), width, 0, WARN));
        let rows: Vec<Vec<String>> = self.bill.lines.iter().map(row).collect();
        for line in table(&rows).lines() {
            let _ = writeln!(text, "  {line}");
        }
        let mut style = FAINT;
        for note in self.notes() {
            let _ = writeln!(text, "  {}", wrapped(&note, width, 4, style));
            style = GOOD;
        }
        text
    }

    /// What it is made of: name, count, an hour, a month.
    pub(crate) fn rows(&self) -> Vec<[String; 4]> {
        let price = |price: Option<Usd>| {
            price.map_or_else(|| "unknown".to_owned(), |price| price.to_string())
        };
        let row = |line: &Line| {
            [
                line.what.clone(),
                line.count.to_string(),
                price(line.hourly),
                price(line.monthly),
            ]
        };
        self.bill.lines.iter().map(row).collect()
    }

    /// What is left out of the sum, and what would make it smaller.
    pub(crate) fn notes(&self) -> Vec<String> {
        let not_counted = format!("not counted: {}", self.bill.not_counted.join(", "));
        let saving = |saving: &Saving| {
            let Saving {
                setting,
                loss,
                monthly,
            } = saving;
            format!("`{setting}` saves {monthly} a month: {loss}")
        };
        let savings = self.savings.iter().map(saving);
        std::iter::once(not_counted).chain(savings).collect()
    }
}

fn row(line: &Line) -> Vec<String> {
    let price = |price: Option<Usd>, each: &str| match price {
        Some(price) => format!("{price} {each}"),
        None => "unknown".to_owned(),
    };
    vec![
        line.what.clone(),
        line.count.to_string(),
        price(line.hourly, "an hour"),
        price(line.monthly, "a month"),
    ]
}
