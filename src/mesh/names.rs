//! The names of App Mesh's resources, one type for each.

use std::fmt;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as it is written in a template.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a mesh.
    MeshName
);
name!(
    /// The name of a virtual node.
    VirtualNodeName
);
name!(
    /// The name of a virtual service: the host name that clients use.
    VirtualServiceName
);
name!(
    /// The name of a virtual router.
    VirtualRouterName
);
name!(
    /// The name of a route of a virtual router.
    RouteName
);
name!(
    /// The name of a virtual gateway.
    VirtualGatewayName
);
name!(
    /// The name of a route of a virtual gateway.
    GatewayRouteName
);
