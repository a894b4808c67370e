//! Writes small address databases in `MaxMind`'s published format, version 2.0.

use std::net::Ipv4Addr;

/// A value of the data section.
#[derive(Debug, Clone)]
pub enum Data {
    /// UTF-8 text.
    Text(&'static str),
    /// An unsigned number of 32 bits.
    Number(u32),
    /// A number of double precision.
    Float(f64),
    /// True or false.
    Truth(bool),
    /// Values in order.
    List(Vec<Data>),
    /// Values by key.
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
            Self::Truth(truth) => control(out, 14, usize::from(*truth)),
            Self::List(values) => {
                control(out, 11, values.len());
                for value in values {
                    value.write(out);
                }
            }
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

/// Writes the bytes before a value: its type, one above 7 in a byte of its own, and its size, at most 284.
fn control(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (kind, extended) = if kind > 7 {
        (0, Some(kind - 7))
    } else {
        (kind, None)
    };
    let size = u16::try_from(size).unwrap();
    let (size, more) = if size < 29 {
        (u8::try_from(size).unwrap(), None)
    } else {
        (29, Some(u8::try_from(size - 29).unwrap()))
    };
    out.push(kind << 5 | size);
    out.extend(extended.into_iter().chain(more));
}

/// Returns the bytes of an IPv4 database of `networks` (address, prefix length from 1, record), none within another.
pub fn database(networks: &[(Ipv4Addr, u8, Data)]) -> Vec<u8> {
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
    metadata(count).write(&mut out);
    out
}

fn metadata(node_count: u32) -> Data {
    Data::Map(vec![
        ("node_count", Data::Number(node_count)),
        ("record_size", Data::Number(24)),
        ("ip_version", Data::Number(4)),
        ("database_type", Data::Text("Test")),
        ("binary_format_major_version", Data::Number(2)),
        ("binary_format_minor_version", Data::Number(0)),
        ("build_epoch", Data::Number(0)),
        ("languages", Data::List(Vec::new())),
        ("description", Data::Map(Vec::new())),
    ])
}

/// Returns the City record of a place: ISO code of its country, whether that is in the European Union, latitude and
/// longitude in degrees.
pub fn city(country: &'static str, in_union: bool, (latitude, longitude): (f64, f64)) -> Data {
    Data::Map(vec![
        (
            "country",
            Data::Map(vec![
                ("iso_code", Data::Text(country)),
                ("is_in_european_union", Data::Truth(in_union)),
            ]),
        ),
        (
            "location",
            Data::Map(vec![
                ("latitude", Data::Float(latitude)),
                ("longitude", Data::Float(longitude)),
            ]),
        ),
    ])
}

/// Returns the ASN record of an autonomous system.
pub fn asn(number: u32, organization: &'static str) -> Data {
    Data::Map(vec![
        ("autonomous_system_number", Data::Number(number)),
        ("autonomous_system_organization", Data::Text(organization)),
    ])
}
