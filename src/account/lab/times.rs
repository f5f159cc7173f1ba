//! How long AWS takes for a resource, in seconds. A flat table; each row says
//! where its figures come from.
//!
//! - A: events of a deployment of a VPC with two NAT gateways, in a log that
//!   its author published; B: the same of a load-balanced Fargate service;
//!   C: of an ECS service with capacity of its own.
//! - "published": said in the documentation or an issue of another tool.
//! - "guess": nothing was found; the order of magnitude is from experience.
//!
//! Times of updates and deletions are guesses throughout, except that an ECS
//! service is as slow to change as to make: its tasks are replaced.

/// The times of one type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// `AWS::EC2::VPC` and the like.
    pub resource_type: &'static str,
    /// When a creation is complete but for its consistency check, where the
    /// type tells it.
    pub configured: Option<f64>,
    /// The shortest creation that was seen.
    pub fast: f64,
    /// The usual one.
    pub median: f64,
    /// The longest.
    pub slow: f64,
    /// A change in place.
    pub update: f64,
    /// A deletion.
    pub delete: f64,
    /// Where the times of creation come from.
    pub source: &'static str,
}

/// From an accepted operation to its first resource. Fitted to A and B.
pub(super) const STACK_START: f64 = 2.0;
/// From the last resource to the stack's end. Fitted to A and B.
pub(super) const STACK_END: f64 = 3.0;
/// From the end of a resource to the start of one that waited for it. A, B.
pub(super) const GAP: f64 = 1.0;
/// Until a resource is configured whose type does not tell it: as those that
/// do, in A and C.
pub(super) const CONFIGURATION: f64 = 2.0;
/// Until a change set is worked out: a guess.
pub(super) const CHANGE_SET: f64 = 3.0;

/// Whether a resource of the second type starts once one of the first type is
/// configured, instead of complete. A: the attachment started before its
/// gateway was complete, the association before its route table; all other
/// dependants waited.
pub fn starts_early(needed: &str, dependant: &str) -> bool {
    matches!(
        (needed, dependant),
        (
            "AWS::EC2::InternetGateway",
            "AWS::EC2::VPCGatewayAttachment"
        ) | (
            "AWS::EC2::RouteTable",
            "AWS::EC2::SubnetRouteTableAssociation"
        )
    )
}

/// The times of a type; those of a small resource for one that has no row.
pub fn times_of(resource_type: &str) -> &'static Times {
    TABLE
        .iter()
        .find(|times| times.resource_type == resource_type)
        .or_else(|| {
            let family = |times: &&Times| {
                times
                    .resource_type
                    .strip_suffix('*')
                    .is_some_and(|prefix| resource_type.starts_with(prefix))
            };
            TABLE.iter().find(family)
        })
        .unwrap_or(&OTHER)
}

/// A type whose creations all took about as long.
const fn even(
    resource_type: &'static str,
    seconds: f64,
    update: f64,
    delete: f64,
    source: &'static str,
) -> Times {
    Times {
        resource_type,
        configured: None,
        fast: seconds,
        median: seconds,
        slow: seconds,
        update,
        delete,
        source,
    }
}

/// The same, with a consistency check that is told.
const fn checked(configured: f64, times: Times) -> Times {
    Times {
        configured: Some(configured),
        ..times
    }
}

/// The same, with times between which creations were seen.
const fn between(fast: f64, slow: f64, times: Times) -> Times {
    Times {
        fast,
        slow,
        ..times
    }
}

static OTHER: Times = even("*", 3.0, 3.0, 2.0, "guess");

static TABLE: &[Times] = &[
    checked(2.0, even("AWS::EC2::VPC", 14.0, 5.0, 2.0, "A")),
    checked(2.0, even("AWS::EC2::InternetGateway", 17.0, 5.0, 2.0, "A")),
    even("AWS::EC2::VPCGatewayAttachment", 3.0, 3.0, 10.0, "A"),
    checked(2.0, even("AWS::EC2::EIP", 17.0, 5.0, 2.0, "A")),
    between(
        92.0,
        125.0,
        even(
            "AWS::EC2::NatGateway",
            101.0,
            5.0,
            50.0,
            "A: 96 and 106 s; published: 92 to 125 s",
        ),
    ),
    even("AWS::EC2::Subnet", 5.0, 5.0, 2.0, "A"),
    checked(2.0, even("AWS::EC2::RouteTable", 12.0, 5.0, 2.0, "A")),
    even("AWS::EC2::Route", 3.0, 3.0, 2.0, "A"),
    even("AWS::EC2::SubnetRouteTableAssociation", 3.0, 3.0, 2.0, "A"),
    even("AWS::EC2::SecurityGroup", 9.0, 5.0, 2.0, "A: 10 s, B: 8 s"),
    even("AWS::EC2::SecurityGroupEgress", 3.0, 3.0, 2.0, "guess"),
    even("AWS::EC2::SecurityGroupIngress", 3.0, 3.0, 2.0, "guess"),
    between(
        18.0,
        45.0,
        even("AWS::EC2::Instance", 35.0, 35.0, 40.0, "guess"),
    ),
    even("AWS::IAM::Role", 18.0, 5.0, 2.0, "A"),
    between(
        110.0,
        180.0,
        even(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            123.0,
            5.0,
            15.0,
            "B: 123 s; published: up to 180 s",
        ),
    ),
    even("AWS::ElasticLoadBalancingV2::*", 2.0, 2.0, 2.0, "B"),
    even("AWS::ECS::Cluster", 3.0, 3.0, 5.0, "B, C"),
    even("AWS::ECS::TaskDefinition", 2.0, 2.0, 2.0, "B, C"),
    checked(
        2.0,
        between(
            60.0,
            180.0,
            even(
                "AWS::ECS::Service",
                75.0,
                75.0,
                60.0,
                "B: 61 s, C: 62 and 92 s",
            ),
        ),
    ),
    between(
        33.0,
        65.0,
        even(
            "AWS::ServiceDiscovery::PrivateDnsNamespace",
            45.0,
            5.0,
            45.0,
            "published: 33 to 65 s",
        ),
    ),
    even("AWS::ServiceDiscovery::Service", 3.0, 3.0, 3.0, "published"),
    even("AWS::Logs::LogGroup", 2.0, 2.0, 2.0, "published"),
    even("AWS::ECR::Repository", 3.0, 3.0, 2.0, "published"),
    even("AWS::AppMesh::*", 3.0, 3.0, 3.0, "guess"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_own_row_or_their_familys() {
        assert!((times_of("AWS::EC2::NatGateway").median - 101.0).abs() < 1e-9);
        assert!((times_of("AWS::AppMesh::Mesh").median - 3.0).abs() < 1e-9);
        assert!((times_of("AWS::ElasticLoadBalancingV2::Listener").median - 2.0).abs() < 1e-9);
        assert_eq!(times_of("AWS::Some::Thing"), &OTHER);
        for times in TABLE {
            assert!(times.fast <= times.median && times.median <= times.slow);
            assert!(times.configured.is_none_or(|first| first < times.fast));
        }
    }
}
