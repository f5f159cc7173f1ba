//! What EC2 takes once only, whichever stack asks a second time.

use super::account::Formation;

const NETWORK: &str = r"
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Associated:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {RouteTableId: !Ref Table, SubnetId: !Ref Subnet}
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  Address: {Type: AWS::EC2::EIP}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Address.AllocationId}}
Outputs:
  Vpc: {Value: !Ref Vpc, Export: {Name: vpc}}
  Subnet: {Value: !Ref Subnet, Export: {Name: subnet}}
  Gateway: {Value: !Ref Gateway, Export: {Name: gateway}}
  Table: {Value: !Ref Table, Export: {Name: table}}
  Address: {Value: !GetAtt Address.AllocationId, Export: {Name: address}}
";

#[tokio::test]
async fn a_second_one_from_another_stack_is_refused() {
    let formation = Formation::start().await;
    let first = formation.create("first", NETWORK).await;
    assert_eq!(first.0, "CREATE_COMPLETE", "{}", first.1);
    for (name, resource) in [
        (
            "route",
            "{Type: AWS::EC2::Route, Properties: {RouteTableId: !ImportValue table, \
             DestinationCidrBlock: 0.0.0.0/0, GatewayId: !ImportValue gateway}}",
        ),
        (
            "association",
            "{Type: AWS::EC2::SubnetRouteTableAssociation, \
             Properties: {RouteTableId: !ImportValue table, SubnetId: !ImportValue subnet}}",
        ),
        (
            "nat",
            "{Type: AWS::EC2::NatGateway, \
             Properties: {SubnetId: !ImportValue subnet, AllocationId: !ImportValue address}}",
        ),
    ] {
        let template = format!("Resources: {{Second: {resource}}}");
        let (status, _) = formation.create(name, &template).await;
        assert_eq!(status, "ROLLBACK_COMPLETE", "{name}");
    }
    // Another destination in the same table is another route.
    let other = "Resources: {Second: {Type: AWS::EC2::Route, Properties: {RouteTableId: \
                 !ImportValue table, DestinationCidrBlock: 192.0.2.0/24, GatewayId: \
                 !ImportValue gateway}}}";
    assert_eq!(formation.create("other", other).await.0, "CREATE_COMPLETE");
}

/// A resource that is replaced stands in its own way for a moment only.
#[tokio::test]
async fn a_replacement_is_no_second_one() {
    let formation = Formation::start().await;
    formation.create("s", NETWORK).await;
    let replaced = NETWORK.replace(
        "{RouteTableId: !Ref Table, SubnetId: !Ref Subnet}",
        "{RouteTableId: !Ref Other, SubnetId: !Ref Subnet}",
    );
    let replaced = replaced.replace(
        "  Associated:",
        "  Other: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\n  Associated:",
    );
    let updated = formation.update("s", &replaced).await;
    assert_eq!(updated.0, "UPDATE_COMPLETE", "{}", updated.1);
}
