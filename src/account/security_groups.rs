//! Security groups as EC2's own calls change them: the rules that their stacks
//! gave them, more, or fewer. The rules have no effect here; that they differ
//! is what a stack's drift shows.

use super::inventory::Recorded;
use super::resources::{number_of, text_of};
use super::store::State;
use super::{Account, ApiError};
use serde_json::{Map, Value};

const GROUP: &str = "AWS::EC2::SecurityGroup";

/// Which way a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into the group's interfaces.
    In,
    /// Out of them.
    Out,
}

/// What a rule allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `tcp`, `udp`, or `-1` for all.
    pub protocol: String,
    /// The first port, where the protocol has ports.
    pub from_port: Option<i64>,
    /// The last port.
    pub to_port: Option<i64>,
    /// From where or to where.
    pub peer: Peer,
    /// What somebody wrote beside it.
    pub description: Option<String>,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A range of IPv4 addresses.
    Ipv4(String),
    /// A range of IPv6 addresses.
    Ipv6(String),
    /// The interfaces of a group.
    Group(String),
}

/// One security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The VPC that it is in.
    pub vpc: Option<String>,
    /// What may come in.
    pub ingress: Vec<Rule>,
    /// What may go out.
    pub egress: Vec<Rule>,
}

// === impl Way ===

impl Way {
    fn property(self) -> &'static str {
        match self {
            Self::In => "SecurityGroupIngress",
            Self::Out => "SecurityGroupEgress",
        }
    }

    /// The type of a rule that is a resource of its own.
    fn resource_type(self) -> &'static str {
        match self {
            Self::In => "AWS::EC2::SecurityGroupIngress",
            Self::Out => "AWS::EC2::SecurityGroupEgress",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::In => "SourceSecurityGroupId",
            Self::Out => "DestinationSecurityGroupId",
        }
    }
}

// === impl Rule ===

impl Rule {
    /// Reads a rule as templates have it.
    fn read(value: &Value, way: Way) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(text_of);
        let peer = text("CidrIp").map(Peer::Ipv4);
        let peer = peer.or_else(|| text("CidrIpv6").map(Peer::Ipv6));
        let port = |name: &str| {
            let port = value.get(name)?;
            let plain = number_of(port).and_then(|port| i64::try_from(port).ok());
            plain.or_else(|| port.as_i64())
        };
        Some(Self {
            protocol: text("IpProtocol")?,
            from_port: port("FromPort"),
            to_port: port("ToPort"),
            peer: peer.or_else(|| text(way.group()).map(Peer::Group))?,
            description: text("Description"),
        })
    }

    /// The rule as templates have it.
    fn write(&self, way: Way) -> Value {
        let mut value = Map::new();
        let mut put = |name: &str, content: Option<Value>| {
            if let Some(content) = content {
                value.insert(name.to_owned(), content);
            }
        };
        put("Description", self.description.clone().map(Value::from));
        put("IpProtocol", Some(self.protocol.clone().into()));
        put("FromPort", self.from_port.map(Value::from));
        put("ToPort", self.to_port.map(Value::from));
        match &self.peer {
            Peer::Ipv4(range) => put("CidrIp", Some(range.clone().into())),
            Peer::Ipv6(range) => put("CidrIpv6", Some(range.clone().into())),
            Peer::Group(group) => put(way.group(), Some(group.clone().into())),
        }
        Value::Object(value)
    }

    /// Whether both allow the same, whatever is written beside them.
    fn allows_the_same(&self, other: &Self) -> bool {
        let plain = |rule: &Self| Self {
            description: None,
            ..rule.clone()
        };
        plain(self) == plain(other)
    }
}

fn written(recorded: &Recorded, way: Way) -> Vec<Value> {
    let rules = recorded.properties.get(way.property());
    rules.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The rules of a group that are resources of their own, with their ids.
fn standing_alone(state: &State, group: &str, way: Way) -> Vec<(String, Rule)> {
    let all = state.inventory.of(way.resource_type());
    let of_group = all.filter(|(_, rule)| rule.text("GroupId") == Some(group));
    of_group
        .filter_map(|(id, rule)| Some((id.to_owned(), Rule::read(&rule.properties, way)?)))
        .collect()
}

fn rules(state: &State, group: &str, recorded: &Recorded, way: Way) -> Vec<Rule> {
    let own = written(recorded, way).into_iter();
    let own = own.filter_map(|rule| Rule::read(&rule, way));
    let alone = standing_alone(state, group, way);
    own.chain(alone.into_iter().map(|(_, rule)| rule)).collect()
}

fn unknown(group: &str) -> ApiError {
    let message = format!("The security group '{group}' does not exist");
    ApiError::new("InvalidGroup.NotFound", message)
}

// === impl Account ===

impl Account {
    /// All security groups.
    pub fn security_groups(&self) -> Vec<SecurityGroup> {
        self.read(|state| {
            let groups = state.inventory.of(GROUP);
            groups
                .map(|(id, recorded)| SecurityGroup {
                    id: id.to_owned(),
                    name: recorded.text("GroupName").unwrap_or(id).to_owned(),
                    description: recorded
                        .text("GroupDescription")
                        .unwrap_or_default()
                        .to_owned(),
                    vpc: recorded.text("VpcId").map(str::to_owned),
                    ingress: rules(state, id, recorded, Way::In),
                    egress: rules(state, id, recorded, Way::Out),
                })
                .collect()
        })
    }

    /// Adds rules to a group.
    pub fn allow(&self, group: &str, way: Way, added: &[Rule]) -> Result<(), ApiError> {
        self.update(|state| {
            let recorded = state.inventory.get(GROUP, group);
            let mut recorded = recorded.ok_or_else(|| unknown(group))?.clone();
            let there = rules(state, group, &recorded, way);
            let twice = |rule: &&Rule| there.iter().any(|other| other.allows_the_same(rule));
            if let Some(rule) = added.iter().find(twice) {
                let message = format!("the specified rule \"{}\" already exists", told(rule));
                return Err(ApiError::new("InvalidPermission.Duplicate", message));
            }
            let mut rules = written(&recorded, way);
            rules.extend(added.iter().map(|rule| rule.write(way)));
            recorded.properties[way.property()] = rules.into();
            state.inventory.put(GROUP, group, recorded);
            Ok(())
        })
    }

    /// Takes rules from a group.
    pub fn forbid(&self, group: &str, way: Way, removed: &[Rule]) -> Result<(), ApiError> {
        self.update(|state| {
            let recorded = state.inventory.get(GROUP, group);
            let mut recorded = recorded.ok_or_else(|| unknown(group))?.clone();
            let mut own = written(&recorded, way);
            let mut alone = Vec::new();
            for rule in removed {
                let is_it = |other: &Rule| other.allows_the_same(rule);
                let at = own
                    .iter()
                    .position(|other| Rule::read(other, way).is_some_and(|other| is_it(&other)));
                let resources = standing_alone(state, group, way);
                match (at, resources.into_iter().find(|(_, other)| is_it(other))) {
                    (Some(at), _) => _ = own.remove(at),
                    (None, Some((id, _))) => alone.push(id),
                    (None, None) => {
                        let message = "The specified rule does not exist in this security group.";
                        return Err(ApiError::new("InvalidPermission.NotFound", message));
                    }
                }
            }
            recorded.properties[way.property()] = own.into();
            state.inventory.put(GROUP, group, recorded);
            for id in alone {
                state.inventory.remove(way.resource_type(), &id);
            }
            Ok(())
        })
    }
}

fn told(rule: &Rule) -> String {
    let peer = match &rule.peer {
        Peer::Ipv4(text) | Peer::Ipv6(text) | Peer::Group(text) => text,
    };
    let port = |port: Option<i64>| port.map_or_else(|| "ALL".to_owned(), |port| port.to_string());
    format!(
        "peer: {peer}, {}, from port: {}, to port: {}, ALLOW",
        rule.protocol.to_uppercase(),
        port(rule.from_port),
        port(rule.to_port)
    )
}
