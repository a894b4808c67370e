//! Which address a request comes from. Upstream: gin's `ClientIP` under its settings.

use std::net::IpAddr;

use http::HeaderMap;
use wire::range::parse_address;

use crate::settings::Settings;

/// Returns the client's address: the socket's, unless a trusted proxy says otherwise.
pub(crate) fn real_address(settings: &Settings, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
    let socket = socket.to_canonical();
    let server = &settings.server;
    if !server.use_forwarded_for_headers {
        return socket;
    }
    let trusted = |address: IpAddr| match &server.trusted_proxies {
        Some(ranges) => ranges.iter().any(|range| range.contains(&address)),
        // Upstream's default is 0.0.0.0/0: IPv6 proxies are not trusted.
        None => address.is_ipv4(),
    };
    if !trusted(socket) {
        return socket;
    }
    for name in ["x-forwarded-for", "x-real-ip"] {
        let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        if let Some(address) = rightmost_untrusted(text, &trusted) {
            return address;
        }
    }
    socket
}

/// Walks from the right over trusted proxies; the first address is taken even when it is one. `None` when a part is
/// no address, as gin has it.
fn rightmost_untrusted(text: &str, trusted: &impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let parts: Vec<&str> = text.split(',').collect();
    for (index, part) in parts.iter().enumerate().rev() {
        let address = parse_address(part.trim())?;
        if index == 0 || !trusted(address) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rightmost_address_that_is_no_proxy_counts() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(
                rightmost_untrusted(text, &trusted),
                expected.map(|text| text.parse().unwrap()),
                "{text}"
            );
        };
        check("1.2.3.4, 10.0.0.1", Some("1.2.3.4"));
        check("6.6.6.6, 1.2.3.4, 10.0.0.1", Some("1.2.3.4"));
        check("10.0.0.2, 10.0.0.1", Some("10.0.0.2"));
        check("nonsense, 10.0.0.1", None);
    }
}
