//! AWS's list prices in US dollars, without taxes, discounts and free tiers.
//! A flat table; each row says where its figures come from and when they were
//! read there.

/// When the newest of the prices was read. Some are older, and of some the
/// source has no date.
pub const AS_OF: &str = "2026-10-04";

/// Hours in a month, as AWS counts them.
pub(super) const MONTH: f64 = 730.0;

/// What is the same in all commercial regions. AWS's price list of VPC,
/// version 2026-08-31.
pub(super) const PUBLIC_ADDRESS: f64 = 0.005;
/// A hosted zone each month, of the first 25. AWS's page of Route 53,
/// 2026-09-20.
pub(super) const HOSTED_ZONE: f64 = 0.50 / MONTH;
/// A name in a list of the DNS firewall each month. The same page.
pub(super) const FIREWALL_NAME: f64 = 0.0005 / MONTH;

/// The prices of one region, an hour; `None` where nobody looked one up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prices {
    pub(super) region: &'static str,
    pub(super) nat_gateway: Option<f64>,
    pub(super) load_balancer: Option<f64>,
    /// A vCPU and a GB of memory of a Fargate task on x86.
    pub(super) fargate: Option<(f64, f64)>,
    /// The same on Arm.
    pub(super) fargate_arm: Option<(f64, f64)>,
    /// Instances by type.
    pub(super) instances: &'static [(&'static str, f64)],
    /// A GB of a `gp3` volume.
    pub(super) volume: Option<f64>,
}

static TABLE: &[Prices] = &[
    // NAT gateway: AWS's page of VPC. Load balancer: AWS's page of it. Both
    // 2026-09-20. Instance: price list, 2026-09-05. Volume: price list,
    // 2025-11-08. Fargate: published comparisons, 2026-06; Arm 2025.
    Prices {
        region: "us-east-1",
        nat_gateway: Some(0.045),
        load_balancer: Some(0.0225),
        fargate: Some((0.04048, 0.004_445)),
        fargate_arm: Some((0.03238, 0.00356)),
        instances: &[("t3.micro", 0.0104)],
        volume: Some(0.08 / MONTH),
    },
    // NAT gateway, load balancer, volume: price lists of the region,
    // 2026-10-04, and the instance as a quarter of its t3.medium, as everywhere.
    // Fargate: a published estimate by the price list, 2025. Arm: not found.
    Prices {
        region: "us-west-2",
        nat_gateway: Some(0.045),
        load_balancer: Some(0.0225),
        fargate: Some((0.04048, 0.004_445)),
        fargate_arm: None,
        instances: &[("t3.micro", 0.0104)],
        volume: Some(0.08 / MONTH),
    },
    // NAT gateway: price list in a published check, 2026. Load balancer: a bill
    // of July 2026 (595 h for $15.00). Fargate: a published check by the price
    // list, 2026. Instance: price list, 2026-09-01. Volume: published by its
    // usage type, 2025. Arm: not found.
    Prices {
        region: "eu-west-1",
        nat_gateway: Some(0.048),
        load_balancer: Some(0.0252),
        fargate: Some((0.04048, 0.004_445)),
        fargate_arm: None,
        instances: &[("t3.micro", 0.0114)],
        volume: Some(0.088 / MONTH),
    },
    // Fargate: price list, 2026-07-07. The rest: not found with a date.
    Prices {
        region: "eu-central-1",
        nat_gateway: None,
        load_balancer: None,
        fargate: Some((0.04656, 0.00511)),
        fargate_arm: None,
        instances: &[],
        volume: None,
    },
];

/// The prices of a region; none is known of one that is not in the table.
pub(super) fn of(region: &str) -> Prices {
    let found = TABLE.iter().find(|prices| prices.region == region);
    found.copied().unwrap_or(Prices {
        region: "",
        nat_gateway: None,
        load_balancer: None,
        fargate: None,
        fargate_arm: None,
        instances: &[],
        volume: None,
    })
}

/// Whether the prices that hold everywhere hold there: China and the
/// governments' regions have their own.
pub(super) fn is_commercial(region: &str) -> bool {
    !["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"]
        .iter()
        .any(|prefix| region.starts_with(prefix))
}

impl Prices {
    pub(super) fn instance(&self, kind: &str) -> Option<f64> {
        let mut known = self.instances.iter();
        known
            .find(|(name, _)| *name == kind)
            .map(|(_, price)| *price)
    }
}
