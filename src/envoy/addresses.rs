//! Virtual addresses: what the application's DNS answers for a modelled name.
//!
//! They lead nowhere but into the proxy. A name's address comes from a hash
//! of the name, so that it does not depend on which other names there are;
//! only where two names fall on the same of sixteen million addresses does the
//! later one, by name, move on to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use sha2::{Digest, Sha256};

/// The block that they are taken from: 240.0.0.0/8, which nobody else has.
pub const ADDRESSES: (Ipv4Addr, u8) = (Ipv4Addr::new(240, 0, 0, 0), 8);

/// Gives each name an address of the block.
pub(super) fn assign<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, Ipv4Addr> {
    let (first, prefix) = ADDRESSES;
    let size = 1_u32 << (32 - prefix);
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    for name in names {
        let mut offset = hash(name) % size;
        // The first and last address of a block are left alone, as clients
        // may take them for a network's and a broadcast's.
        while offset == 0 || offset == size - 1 || !taken.insert(offset) {
            offset = (offset + 1) % size;
        }
        let address = Ipv4Addr::from(u32::from(first) + offset);
        addresses.insert(name.to_owned(), address);
    }
    addresses
}

fn hash(name: &str) -> u32 {
    let digest = Sha256::digest(name.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_address_when_others_come() {
        let few = assign(["github.com", "go.dev"]);
        let names: Vec<String> = (0..5000)
            .map(|index| format!("host{index}.example"))
            .collect();
        let others = names.iter().map(String::as_str);
        let many = assign(others.chain(["github.com", "go.dev"]));
        assert_eq!(many.len(), 5002);
        assert_eq!(few["github.com"], many["github.com"]);
        assert_eq!(few["go.dev"], many["go.dev"]);
        let different: BTreeSet<_> = many.values().collect();
        assert_eq!(different.len(), 5002);
    }
}
