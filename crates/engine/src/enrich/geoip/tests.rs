//! Lookups in small databases that are written here.

use std::net::Ipv4Addr;

use testkit::mmdb::{self, Data};

use super::*;
use crate::world::Mmdb;

fn database(networks: &[(Ipv4Addr, u8, Data)]) -> Mmdb {
    Mmdb::from_source(mmdb::database(networks)).unwrap()
}

fn world() -> World {
    let registered = Data::Map(vec![(
        "registered_country",
        Data::Map(vec![("iso_code", Data::Text("US"))]),
    )]);
    World {
        geoip_city: Some(database(&[
            (Ipv4Addr::new(1, 2, 3, 0), 24, mmdb::city("FR", true, (46.0, 2.0))),
            (Ipv4Addr::new(9, 8, 0, 0), 16, registered),
        ])),
        geoip_asn: Some(database(&[(
            Ipv4Addr::new(1, 2, 0, 0),
            16,
            mmdb::asn(4242, "Crowd"),
        )])),
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
