//! Functions of plain values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

/// Cuts the first `count` blocks with `bits` host bits from `block`.
pub(super) fn cidr(block: &str, count: u32, bits: u32) -> Option<Vec<String>> {
    let (address, length) = block.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let (width, first) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    if !(1..=256).contains(&count) || bits == 0 || length > width || bits > width - length {
        return None;
    }
    let room = width - length - bits;
    if room < 8 && count > 1 << room {
        return None;
    }
    let first = if length == 0 {
        0
    } else {
        first >> (width - length) << (width - length)
    };
    let each = |index: u32| {
        let start = first + (u128::from(index) << bits);
        let address = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(
                u32::try_from(start).expect("the block is inside 32 bits"),
            )),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(start)),
        };
        format!("{address}/{}", width - bits)
    };
    Some((0..count).map(each).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_pads() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("\u{ff}", "w78="),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn blocks_are_cut_in_order() {
        let texts = |found: &[&str]| {
            Some(
                found
                    .iter()
                    .map(|&text| text.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            cidr("10.0.0.0/16", 2, 8),
            texts(&["10.0.0.0/24", "10.0.1.0/24"])
        );
        assert_eq!(cidr("10.1.2.3/16", 1, 12), texts(&["10.1.0.0/20"]));
        assert_eq!(
            cidr("2001:db8::/56", 2, 64),
            texts(&["2001:db8::/64", "2001:db8:0:1::/64"])
        );
        assert_eq!(cidr("0.0.0.0/0", 1, 32), texts(&["0.0.0.0/0"]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (block, count, bits) in [
            ("10.0.0.0/24", 2, 8),
            ("10.0.0.0/24", 1, 9),
            ("10.0.0.0", 1, 8),
            ("x/8", 1, 8),
            ("10.0.0.0/33", 1, 8),
            ("10.0.0.0/8", 0, 8),
            ("10.0.0.0/8", 257, 8),
        ] {
            assert_eq!(cidr(block, count, bits), None, "{block} {count} {bits}");
        }
    }

    proptest! {
        #[test]
        fn any_block_is_cut_or_refused(address in any::<u128>(), length in 0_u32..140, count in 0_u32..300, bits in 0_u32..140) {
            let _ = cidr(&format!("{}/{length}", Ipv6Addr::from(address)), count, bits);
            let short = Ipv4Addr::from(u32::try_from(address >> 96).unwrap_or(0));
            let _ = cidr(&format!("{short}/{length}"), count, bits);
        }
    }
}
