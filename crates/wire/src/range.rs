//! Addresses and networks as the integers the database stores.
//!
//! Both halves of an address are shifted so that unsigned order becomes signed order; upstream's two corner values
//! are kept because its rows carry them. Upstream: `pkg/types/ip.go`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First and last address of a network (equal for one address) in the columns of the `decisions` table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    /// 4, 16, or 0 where the scope has no address.
    pub size: i64,
    /// First address; its high half for IPv6.
    pub start_ip: i64,
    /// Low half of the first address; the image of 0 for IPv4.
    pub start_suffix: i64,
    /// Last address; its high half for IPv6.
    pub end_ip: i64,
    /// Low half of the last address; the image of 0 for IPv4.
    pub end_suffix: i64,
}

/// Says which text is no address or network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Not an address.
    #[error("invalid ip address '{0}'")]
    Address(String),
    /// Not a network.
    #[error("invalid ip range '{0}'")]
    Network(String),
}

impl Range {
    /// Parses an address or a network; host bits are masked, IPv4-mapped IPv6 counts as IPv4.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let Some((address, length)) = text.split_once('/') else {
            let address = parse_address(text).ok_or_else(|| RangeError::Address(text.to_owned()))?;
            return Ok(Self::of_address(address));
        };
        let bad = || RangeError::Network(text.to_owned());
        let address: IpAddr = address.parse().map_err(|_parse| bad())?;
        let length: u8 = length.parse().map_err(|_parse| bad())?;
        Self::of_network(address, length).ok_or_else(bad)
    }

    /// Returns the row of one address.
    pub fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::v4(v4, v4),
            IpAddr::V6(v6) => Self::v6(u128::from(v6), u128::from(v6)),
        }
    }

    /// Returns the row of a network; `None` when the length does not fit the family.
    pub fn of_network(address: IpAddr, length: u8) -> Option<Self> {
        match address {
            IpAddr::V4(v4) => {
                let net = ipnet::Ipv4Net::new(v4, length).ok()?;
                Some(Self::v4(net.network(), net.broadcast()))
            }
            IpAddr::V6(v6) => {
                if let (Some(v4), true) = (v6.to_ipv4_mapped(), length >= 96) {
                    return Self::of_network(IpAddr::V4(v4), length - 96);
                }
                let net = ipnet::Ipv6Net::new(v6, length).ok()?;
                Some(Self::v6(u128::from(net.network()), u128::from(net.broadcast())))
            }
        }
    }

    /// Says whether `inner` lies within this one; never across families.
    pub fn contains(&self, inner: &Self) -> bool {
        self.size == inner.size
            && (self.start_ip, self.start_suffix) <= (inner.start_ip, inner.start_suffix)
            && (self.end_ip, self.end_suffix) >= (inner.end_ip, inner.end_suffix)
    }

    /// Says whether this is one address.
    pub fn is_single(&self) -> bool {
        self.size != 0 && self.start_ip == self.end_ip && self.start_suffix == self.end_suffix
    }

    /// Returns the first address; `None` where the scope has none.
    pub fn first(&self) -> Option<IpAddr> {
        address(self.size, self.start_ip, self.start_suffix)
    }

    /// Returns the last address; `None` where the scope has none.
    pub fn last(&self) -> Option<IpAddr> {
        address(self.size, self.end_ip, self.end_suffix)
    }

    fn v4(start: Ipv4Addr, end: Ipv4Addr) -> Self {
        Self {
            size: 4,
            start_ip: store(u64::from(u32::from(start))),
            start_suffix: store(0),
            end_ip: store(u64::from(u32::from(end))),
            end_suffix: store(0),
        }
    }

    fn v6(start: u128, end: u128) -> Self {
        Self {
            size: 16,
            start_ip: store(high(start)),
            start_suffix: store(low(start)),
            end_ip: store(high(end)),
            end_suffix: store(low(end)),
        }
    }
}

/// Parses an address in any spelling; IPv4-mapped IPv6 becomes IPv4.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn address(size: i64, ip: i64, suffix: i64) -> Option<IpAddr> {
    match size {
        4 => u32::try_from(load(ip))
            .ok()
            .map(|v4| IpAddr::V4(Ipv4Addr::from(v4))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(
            (u128::from(load(ip)) << 64) | u128::from(load(suffix)),
        ))),
        _ => None,
    }
}

fn high(value: u128) -> u64 {
    (value >> 64) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low(value: u128) -> u64 {
    value as u64
}

const MIDDLE: u64 = i64::MAX.cast_unsigned();

/// Maps unsigned to signed keeping the order, with upstream's merge of the two highest values.
fn store(value: u64) -> i64 {
    match value {
        MIDDLE => 0,
        u64::MAX => i64::MAX,
        _ if value > MIDDLE => (value - MIDDLE).cast_signed(),
        _ => value.cast_signed() - i64::MAX,
    }
}

/// Inverts [`store`]; the merged value becomes the highest, as ends of networks are.
fn load(value: i64) -> u64 {
    match value {
        i64::MAX => u64::MAX,
        _ if value > 0 => value.cast_unsigned() + MIDDLE,
        _ => (value + i64::MAX).cast_unsigned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_those_of_upstream() {
        let check = |text: &str, size, start_ip, end_ip| {
            let range = Range::parse(text).unwrap();
            assert_eq!(
                (range.size, range.start_ip, range.end_ip),
                (size, start_ip, end_ip),
                "{text}"
            );
        };
        check(
            "192.0.2.10",
            4,
            -9_223_372_033_633_549_813,
            -9_223_372_033_633_549_813,
        );
        check(
            "::ffff:192.0.2.10",
            4,
            -9_223_372_033_633_549_813,
            -9_223_372_033_633_549_813,
        );
        check("0.0.0.0/0", 4, -i64::MAX, -i64::MAX + i64::from(u32::MAX));
        assert_eq!(Range::parse("1.2.3.4").unwrap().start_suffix, -i64::MAX);
        assert_eq!(
            Range::parse("1.2.3.9/24").unwrap(),
            Range::parse("1.2.3.0/24").unwrap()
        );
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert_eq!(
            Range::parse("zz").unwrap_err().to_string(),
            "invalid ip address 'zz'"
        );
        assert_eq!(
            Range::parse("1.2.3.4/33").unwrap_err().to_string(),
            "invalid ip range '1.2.3.4/33'"
        );
    }

    proptest! {
        #[test]
        fn order_and_addresses_survive(a: u128, b: u128) {
            let (x, y) = (Range::of_address(IpAddr::V6(a.into())), Range::of_address(IpAddr::V6(b.into())));
            let merged = |v: u128| low(v) >= u64::MAX - 1 || high(v) >= u64::MAX - 1;
            if !merged(a) && !merged(b) && x.size == 16 && y.size == 16 {
                prop_assert_eq!(a.cmp(&b), (x.start_ip, x.start_suffix).cmp(&(y.start_ip, y.start_suffix)));
                prop_assert_eq!(x.first(), Some(IpAddr::V6(a.into())));
            }
        }

        #[test]
        fn a_network_contains_its_addresses(a: u32, length in 0u8..=32) {
            let net = Range::of_network(IpAddr::V4(a.into()), length).unwrap();
            prop_assert!(net.contains(&Range::of_address(IpAddr::V4(a.into()))));
            prop_assert_eq!(net.is_single(), length == 32);
        }
    }
}
