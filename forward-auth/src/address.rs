//! Which address a question is about; pure.
//!
//! A proxy appends the address it was connected from to `X-Forwarded-For`, so entries are believed from the right, as
//! long as whoever wrote them is a proxy of ours; the first address that is not one is the client.

use std::net::IpAddr;

use ipnet::IpNet;

/// Entries that are looked at; nobody has more proxies, and a header is not to cost more than this.
const ENTRIES: usize = 64;

/// Returns the client's address.
///
/// `peer` is who connected, `forwarded` the values of all `X-Forwarded-For` headers in order, `real` that of
/// `X-Real-Ip`, which counts only without the former. Headers of a peer that is not trusted are ignored.
pub fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    real: Option<&str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut nearest = peer.to_canonical();
    if !is_trusted(&nearest) {
        return nearest;
    }
    let mut entries = forwarded
        .rev()
        .flat_map(|value| value.rsplit(','))
        .take(ENTRIES)
        .peekable();
    if entries.peek().is_none() {
        return real.and_then(parse).unwrap_or(nearest);
    }
    for entry in entries {
        // What a trusted proxy wrote down unreadably is unknown; the hop behind it is the last that is known.
        let Some(address) = parse(entry) else { break };
        nearest = address;
        if !is_trusted(&nearest) {
            break;
        }
    }
    nearest
}

/// Reads an address as proxies write it: with or without a port, brackets around IPv6, spaces around all.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, _port) = bracketed.split_once(']')?;
        return address
            .parse::<IpAddr>()
            .ok()
            .map(|address| address.to_canonical());
    }
    let with_port = || {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|socket| socket.ip())
    };
    text.parse::<IpAddr>()
        .ok()
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], real: Option<&str>, expected: &str) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .map(|range| range.parse().unwrap())
            .into();
        let address = client(peer.parse().unwrap(), forwarded.iter().copied(), real, &trusted);
        assert_eq!(
            address,
            expected.parse::<IpAddr>().unwrap(),
            "{peer} {forwarded:?} {real:?}"
        );
    }

    #[test]
    fn headers_of_a_stranger_are_ignored() {
        check("192.0.2.1", &["198.51.100.7"], Some("198.51.100.8"), "192.0.2.1");
        check("::ffff:192.0.2.1", &["198.51.100.7"], None, "192.0.2.1");
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        check("10.0.0.1", &["192.0.2.1"], None, "192.0.2.1");
        check("10.0.0.1", &["192.0.2.9, 192.0.2.1, 10.0.0.2"], None, "192.0.2.1");
        check(
            "10.0.0.1",
            &["192.0.2.9", "192.0.2.1,10.0.0.2"],
            None,
            "192.0.2.1",
        );
        check("fd00::1", &["2001:db8::7"], None, "2001:db8::7");
    }

    #[test]
    fn what_a_client_wrote_itself_stands_left_and_does_not_count() {
        check("10.0.0.1", &["127.0.0.1, 192.0.2.1"], None, "192.0.2.1");
        check("10.0.0.1", &["<script>, 192.0.2.1, 10.0.0.2"], None, "192.0.2.1");
    }

    #[test]
    fn when_everybody_is_trusted_the_farthest_is_the_client() {
        check("10.0.0.1", &["10.1.2.3, 10.0.0.2"], None, "10.1.2.3");
        check("10.0.0.1", &[], None, "10.0.0.1");
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_read() {
        check("10.0.0.1", &["192.0.2.1:4711"], None, "192.0.2.1");
        check("10.0.0.1", &["[2001:db8::7]:4711"], None, "2001:db8::7");
        check("10.0.0.1", &["[2001:db8::7]"], None, "2001:db8::7");
        check("10.0.0.1", &["::ffff:192.0.2.1"], None, "192.0.2.1");
    }

    #[test]
    fn an_unreadable_entry_ends_the_chain() {
        check("10.0.0.1", &["192.0.2.1, unknown"], None, "10.0.0.1");
        check("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], None, "10.0.0.2");
        check("10.0.0.1", &[""], None, "10.0.0.1");
    }

    #[test]
    fn x_real_ip_counts_without_x_forwarded_for() {
        check("10.0.0.1", &[], Some("192.0.2.1"), "192.0.2.1");
        check("10.0.0.1", &["192.0.2.2"], Some("192.0.2.1"), "192.0.2.2");
        check("10.0.0.1", &[], Some("nonsense"), "10.0.0.1");
    }

    #[test]
    fn a_header_without_end_costs_no_more_than_its_first_entries() {
        let long = format!("192.0.2.1{}", ", 10.0.0.2".repeat(10_000));
        check("10.0.0.1", &[&long], None, "10.0.0.2");
    }
}
