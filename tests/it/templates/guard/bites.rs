//! Each rule is shown to bite: a template with one thing changed fails that
//! rule and no other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::report::{Report, validate};
use super::{SETTINGS, template};

/// A rule, the settings, the place, and what is put there as JSON; nothing
/// takes away what is there, and a place that ends with `-` is a new item.
type Change = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const CHANGES: &[Change] = &[
    ("the_world_reaches_only_the_port_that_the_load_balancer_listens_on", WALKTHROUGH,
        "PublicLoadBalancerSG/SecurityGroupIngress/0/ToPort", "8080"),
    ("the_world_reaches_only_the_port_that_the_load_balancer_listens_on", WALKTHROUGH,
        "PublicLoadBalancerListener/Port", "443"),
    ("a_group_that_the_world_reaches_leads_into_the_network_alone", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupIngress/0/CidrIp", r#""0.0.0.0/0""#),
    ("a_way_in_beside_a_group_is_not_open_to_the_world", WALKTHROUGH,
        "ReadinessIngress/CidrIp", r#""0.0.0.0/0""#),
    ("ssh_is_for_the_addresses_that_were_named", MANY,
        "BastionSecurityGroup/SecurityGroupIngress/0/CidrIp", r#""128.0.0.0/1""#),
    ("ssh_is_for_the_addresses_that_were_named", MANY,
        "BastionSecurityGroup/SecurityGroupIngress/0/FromPort", "0"),
    ("ssh_is_for_the_addresses_that_were_named", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupIngress/0/FromPort", "22"),
    ("each_group_says_what_it_lets_out", WALKTHROUGH,
        "BastionSecurityGroup/SecurityGroupEgress", ""),
    ("each_group_says_what_it_lets_out", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress", "[]"),
    ("a_group_lets_out_nothing_but_tcp", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/1/IpProtocol", r#""udp""#),
    ("a_group_lets_out_nothing_but_tcp", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/0/IpProtocol", r#""-1""#),
    ("a_group_lets_out_nothing_but_tcp", WALKTHROUGH, "Beside",
        r#"{ "Type": "AWS::EC2::SecurityGroupEgress", "Properties": { "IpProtocol": "-1" } }"#),
    ("no_group_lets_every_port_out", WALKTHROUGH, "Beside",
        r#"{ "Type": "AWS::EC2::SecurityGroupEgress",
             "Properties": { "IpProtocol": "tcp", "CidrIp": "0.0.0.0/0" } }"#),
    ("no_group_lets_every_port_out", WALKTHROUGH,
        "BastionSecurityGroup/SecurityGroupEgress/0/FromPort", "0"),
    ("no_group_lets_every_port_out", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/-",
        r#"{ "IpProtocol": "tcp", "FromPort": 1, "ToPort": 65534, "CidrIp": "0.0.0.0/0" }"#),
    ("no_group_lets_every_port_out", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/-",
        r#"{ "IpProtocol": "tcp", "FromPort": 49152, "ToPort": 57343, "CidrIp": "0.0.0.0/0" }"#),
    ("no_group_lets_every_port_out", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/-",
        r#"{ "IpProtocol": "tcp", "FromPort": 57344, "ToPort": 65534, "CidrIp": "0.0.0.0/0" }"#),
    ("nothing_has_ipv6", WALKTHROUGH,
        "PrivateSubnet1/AssignIpv6AddressOnCreation", "true"),
    ("nothing_has_ipv6", WALKTHROUGH,
        "ECSServiceSecurityGroup/SecurityGroupEgress/-",
        r#"{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0" }"#),
    ("nothing_has_ipv6", WALKTHROUGH,
        "ReadinessIngress/CidrIpv6", r#""::/0""#),
    ("nothing_has_ipv6", WALKTHROUGH,
        "PublicLoadBalancer/IpAddressType", r#""dualstack""#),
    ("a_subnet_gives_out_no_public_address", WALKTHROUGH,
        "PublicSubnet2/MapPublicIpOnLaunch", "true"),
    ("a_task_has_no_public_address", WALKTHROUGH,
        "ColorGatewayService/NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp", r#""ENABLED""#),
    ("a_private_subnet_leads_out_through_nat_alone", WALKTHROUGH,
        "DefaultPrivateRoute2/GatewayId", r#""InternetGateway""#),
    ("a_private_subnet_leads_out_through_nat_alone", PINNED,
        "PrivateSubnet1RouteTableAssociation/RouteTableId", r#""PublicRouteTable""#),
    ("every_public_address_is_a_nat_gateways", WALKTHROUGH,
        "Spare", r#"{ "Type": "AWS::EC2::EIP", "Properties": { "Domain": "vpc" } }"#),
    ("a_network_has_a_firewall_of_names", WALKTHROUGH,
        "NameFirewallAssociation", ""),
    ("a_name_that_is_not_listed_has_no_answer", WALKTHROUGH,
        "EveryName/Domains/0", r#""*.org""#),
    ("a_name_that_is_not_listed_has_no_answer", WALKTHROUGH,
        "NameFirewall/FirewallRules/0/Priority", "2000"),
    ("a_name_that_is_not_listed_has_no_answer", "no services",
        "NameFirewall/FirewallRules/3/BlockResponse", r#""NXDOMAIN""#),
    ("no_list_that_is_answered_has_a_whole_domain_of_the_world", WALKTHROUGH,
        "ServiceNames1/Domains/-", r#""*""#),
    ("no_list_that_is_answered_has_a_whole_domain_of_the_world", MANY,
        "AwsNames/Domains/0", r#""*.com""#),

    ("a_container_cannot_change_its_own_files", WALKTHROUGH,
        "ColorGatewayTaskDefinition/ContainerDefinitions/0/ReadonlyRootFilesystem", ""),
    ("a_container_is_not_root", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/User", r#""0:1000""#),
    ("a_container_is_not_root", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/1/User", ""),
    ("nothing_but_envoy_runs_as_envoys_user", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/User", r#""1337:1000""#),
    ("a_container_drops_every_capability", PORTS,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/LinuxParameters/Capabilities/Drop", ""),
    ("a_container_is_given_no_capability_and_no_privilege", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/Privileged", "true"),
    ("a_capability_is_given_to_what_redirects_and_ends_alone", INIT,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/LinuxParameters/Capabilities/Add/-",
        r#""SYS_ADMIN""#),
    ("a_capability_is_given_to_what_redirects_and_ends_alone", INIT,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/Essential", "true"),
    ("containers_share_nothing_but_their_network", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/PidMode", r#""task""#),
    ("containers_share_nothing_but_their_network", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/VolumesFrom",
        r#"[{ "SourceContainer": "envoy" }]"#),
    ("containers_share_nothing_but_their_network", INIT,
        "ColorTellerWhiteTaskDefinition/NetworkMode", r#""host""#),
    ("an_image_is_named_by_its_digest", PINNED,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/0/Image", r#""docker.io/library/app:1""#),
    ("what_a_container_says_goes_to_the_log", WALKTHROUGH,
        "ColorTellerWhiteTaskDefinition/ContainerDefinitions/1/LogConfiguration", ""),
    ("nobody_gets_a_shell_in_a_task", WALKTHROUGH,
        "ColorTellerWhiteService/EnableExecuteCommand", "true"),

    ("a_role_names_what_it_may_do", WALKTHROUGH,
        "TaskIamRole/Policies/0/PolicyDocument/Statement/0/Action", r#"["appmesh:*"]"#),
    ("a_role_names_what_it_may_do", WALKTHROUGH,
        "TaskExecutionIamRole/Policies/1/PolicyDocument/Statement/0/Action/-", r#""*""#),
    ("a_role_names_what_it_may_do_it_on", WALKTHROUGH,
        "TaskExecutionIamRole/Policies/1/PolicyDocument/Statement/0/Resource", r#""*""#),
    ("a_role_names_what_it_may_do_it_on", WALKTHROUGH,
        "TaskExecutionIamRole/Policies/0/PolicyDocument/Statement/1/Resource/-", r#""*""#),
    ("a_role_names_what_it_may_do_it_on", WALKTHROUGH,
        "BastionRole/Policies/0/PolicyDocument/Statement/0/Action/-", r#""ssm:GetParameter""#),
    ("a_role_is_for_one_service_of_aws", WALKTHROUGH,
        "TaskExecutionIamRole/AssumeRolePolicyDocument/Statement/0/Principal",
        r#"{ "AWS": "arn:aws:iam::123456789012:root" }"#),
    ("the_role_of_what_runs_in_a_task_is_for_this_account", WALKTHROUGH,
        "TaskIamRole/AssumeRolePolicyDocument/Statement/0/Condition", ""),
    ("a_role_has_no_policy_but_its_own", WALKTHROUGH,
        "BastionRole/ManagedPolicyArns", r#"["arn:aws:iam::aws:policy/AdministratorAccess"]"#),
    ("there_are_no_users_and_no_keys", WALKTHROUGH,
        "Somebody", r#"{ "Type": "AWS::IAM::User", "Properties": {} }"#),
    ("instance_metadata_wants_a_token", WALKTHROUGH,
        "BastionHost/MetadataOptions/HttpTokens", r#""optional""#),
    ("instance_metadata_wants_a_token", WALKTHROUGH,
        "BastionHost/MetadataOptions/HttpPutResponseHopLimit", "2"),
    ("a_disk_is_encrypted", WALKTHROUGH,
        "BastionHost/BlockDeviceMappings/0/Ebs/Encrypted", ""),
    ("logs_are_kept_for_a_time", WALKTHROUGH,
        "ECSServiceLogGroup/RetentionInDays", ""),
    ("a_tag_of_an_image_never_moves", WALKTHROUGH,
        "ColorTellerRepository/ImageTagMutability", r#""MUTABLE""#),
    ("an_image_is_scanned_when_it_is_pushed", WALKTHROUGH,
        "ColorTellerRepository/ImageScanningConfiguration/ScanOnPush", "false"),
    ("images_are_encrypted", WALKTHROUGH,
        "ColorTellerRepository/EncryptionConfiguration", ""),
    ("a_repository_is_for_this_account", WALKTHROUGH,
        "ColorTellerRepository/RepositoryPolicyText", r#"{ "Statement": [] }"#),
];

const WALKTHROUGH: &str = "the walkthrough";
const MANY: &str = "many kinds";
const PORTS: &str = "ports on loopback";
const INIT: &str = "an init container";
const PINNED: &str = "images by digest and no bastion";

#[test]
#[ignore = "needs cfn-guard"]
fn each_rule_bites_and_no_other_does() {
    let before: Vec<Value> = SETTINGS.iter().map(|(_, text)| template(text)).collect();
    let place = |settings| SETTINGS.iter().position(|(title, _)| *title == settings);
    let changed = CHANGES.iter().map(|(_, settings, place_in, to)| {
        let mut template = before[place(*settings).unwrap()].clone();
        change(&mut template, place_in, to);
        template
    });
    let all: Vec<Value> = before.iter().cloned().chain(changed).collect();
    let reports = validate(&all);
    let (before, after) = reports.split_at(SETTINGS.len());
    for ((rule, settings, at, _), report) in CHANGES.iter().zip(after) {
        let known = &before[place(*settings).unwrap()].failed;
        let new = report.failed.difference(known);
        let bitten: BTreeSet<&str> = new.map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(bitten, BTreeSet::from([*rule]), "{settings}: {at}");
    }
    let shown: BTreeSet<&str> = CHANGES.iter().map(|(rule, ..)| *rule).collect();
    let rules: BTreeSet<&str> = before
        .iter()
        .flat_map(Report::rules)
        .map(String::as_str)
        .collect();
    assert_eq!(shown, rules);
}

/// Changes one thing of a resource, or the resource where nothing of it is
/// named.
fn change(template: &mut Value, at: &str, to: &str) {
    let (resource, within) = at.split_once('/').unwrap_or((at, ""));
    let resources = &mut template["Resources"];
    let (holder, name) = match within.rsplit_once('/') {
        _ if within.is_empty() => (resources, resource),
        None => (&mut resources[resource]["Properties"], within),
        Some((above, name)) => {
            let pointer = format!("/{resource}/Properties/{above}");
            let holder = resources.pointer_mut(&pointer);
            (holder.unwrap_or_else(|| panic!("no `{at}`")), name)
        }
    };
    let to: Option<Value> = (!to.is_empty()).then(|| serde_json::from_str(to).unwrap());
    match (holder, to) {
        (Value::Object(fields), None) => {
            assert!(fields.remove(name).is_some(), "no `{at}`");
        }
        (Value::Object(fields), Some(value)) => {
            fields.insert(name.to_owned(), value);
        }
        (Value::Array(items), Some(value)) if name == "-" => items.push(value),
        (Value::Array(items), Some(value)) => items[name.parse::<usize>().unwrap()] = value,
        (holder, to) => panic!("`{at}` is in {holder}, {to:?}"),
    }
}
