//! Lookups in small databases that are written here, in `MaxMind`'s published format.

use std::net::Ipv4Addr;

use super::*;

/// A value of the data section.
enum Data {
    Text(&'static str),
    Number(u32),
    Float(f64),
    Truth(bool),
    Map(Vec<(&'static str, Data)>),
}

impl Data {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                control(out, 2, text.len());
                out.extend(text.as_bytes());
            }
            Self::Number(number) => {
                control(out, 6, 4);
                out.extend(number.to_be_bytes());
            }
            Self::Float(number) => {
                control(out, 3, 8);
                out.extend(number.to_be_bytes());
            }
            Self::Truth(truth) => out.extend([u8::from(*truth), 14 - 7]),
            Self::Map(entries) => {
                control(out, 7, entries.len());
                for (key, value) in entries {
                    Self::Text(key).write(out);
                    value.write(out);
                }
            }
        }
    }
}

fn control(out: &mut Vec<u8>, kind: u8, size: usize) {
    let size = u8::try_from(size).unwrap();
    if size < 29 {
        out.push(kind << 5 | size);
    } else {
        out.extend([kind << 5 | 0x1d, size - 29]);
    }
}

/// Writes an IPv4 database of `networks`.
fn database(networks: &[(Ipv4Addr, u8, Data)]) -> crate::world::Mmdb {
    const FREE: u32 = u32::MAX;
    // A record is the number of a node, or a place in the data section with the top bit set.
    let mut nodes = vec![[FREE, FREE]];
    let mut data = Vec::new();
    for (address, prefix, value) in networks {
        let place = u32::try_from(data.len()).unwrap() | 1 << 31;
        value.write(&mut data);
        let mut at = 0;
        for depth in 0..*prefix {
            let bit = usize::from(u32::from(*address) >> (31 - depth) & 1 == 1);
            if depth + 1 == *prefix {
                nodes[at][bit] = place;
            } else if nodes[at][bit] == FREE {
                nodes[at][bit] = u32::try_from(nodes.len()).unwrap();
                at = nodes.len();
                nodes.push([FREE, FREE]);
            } else {
                at = nodes[at][bit] as usize;
            }
        }
    }
    let count = u32::try_from(nodes.len()).unwrap();
    let mut out = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match *record {
            FREE => count,
            place if place >> 31 == 1 => count + 16 + (place & !(1 << 31)),
            node => node,
        };
        out.extend(&value.to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    Data::Map(vec![
        ("node_count", Data::Number(count)),
        ("record_size", Data::Number(24)),
        ("ip_version", Data::Number(4)),
        ("database_type", Data::Text("Test")),
        ("binary_format_major_version", Data::Number(2)),
        ("binary_format_minor_version", Data::Number(0)),
        ("build_epoch", Data::Number(0)),
        ("languages", Data::Map(Vec::new())),
        ("description", Data::Map(Vec::new())),
    ])
    .write(&mut out);
    // `languages` is an array in the format; an empty one differs from an empty map in its type only.
    let at = out
        .windows(10)
        .rposition(|window| window == b"\x49languages")
        .unwrap()
        + 10;
    out.splice(at..=at, [0, 11 - 7]);
    maxminddb::Reader::from_source(out).unwrap()
}

fn world() -> World {
    let country = |code, union| {
        Data::Map(vec![
            ("iso_code", Data::Text(code)),
            ("is_in_european_union", Data::Truth(union)),
        ])
    };
    let place = vec![("latitude", Data::Float(46.0)), ("longitude", Data::Float(2.0))];
    let asn = vec![
        ("autonomous_system_number", Data::Number(4242)),
        ("autonomous_system_organization", Data::Text("Crowd")),
    ];
    World {
        geoip_city: Some(database(&[
            (
                Ipv4Addr::new(1, 2, 3, 0),
                24,
                Data::Map(vec![
                    ("country", country("FR", true)),
                    ("location", Data::Map(place)),
                ]),
            ),
            (
                Ipv4Addr::new(9, 8, 0, 0),
                16,
                Data::Map(vec![("registered_country", country("US", false))]),
            ),
        ])),
        geoip_asn: Some(database(&[(Ipv4Addr::new(1, 2, 0, 0), 16, Data::Map(asn))])),
        ..World::default()
    }
}

fn check(found: &[(&str, String)], expected: &[(&str, &str)]) {
    let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_country_is_the_first_of_the_three_that_a_record_has() {
    let world = world();
    check(
        &city(&world, "1.2.3.4".parse().unwrap()),
        &[
            ("IsoCode", "FR"),
            ("IsInEU", "true"),
            ("Latitude", "46.000000"),
            ("Longitude", "2.000000"),
        ],
    );
    check(
        &city(&world, "9.8.7.6".parse().unwrap()),
        &[
            ("IsoCode", "US"),
            ("IsInEU", "false"),
            ("Latitude", "0.000000"),
            ("Longitude", "0.000000"),
        ],
    );
}

#[test]
fn an_address_without_a_record_has_zero_values_and_no_range() {
    let world = world();
    let address = "10.0.0.1".parse().unwrap();
    check(
        &city(&world, address),
        &[
            ("IsoCode", ""),
            ("IsInEU", "false"),
            ("Latitude", "0.000000"),
            ("Longitude", "0.000000"),
        ],
    );
    check(
        &asn(&world, address),
        &[("ASNNumber", "0"), ("ASNumber", "0"), ("ASNOrg", "")],
    );
    assert_eq!(range(&world, address), None);
}

#[test]
fn system_and_network_come_from_the_asn_database() {
    let world = world();
    let address = "1.2.3.4".parse().unwrap();
    check(
        &asn(&world, address),
        &[("ASNNumber", "4242"), ("ASNumber", "4242"), ("ASNOrg", "Crowd")],
    );
    assert_eq!(range(&world, address).as_deref(), Some("1.2.0.0/16"));
}

#[test]
fn without_a_database_there_is_nothing() {
    let address = "1.2.3.4".parse().unwrap();
    let world = World::default();
    assert!(city(&world, address).is_empty() && asn(&world, address).is_empty());
    assert_eq!(range(&world, address), None);
}
