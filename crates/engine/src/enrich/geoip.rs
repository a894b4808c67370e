//! Country, place, autonomous system and network of an address, from `MaxMind` databases.

use std::net::IpAddr;

use maxminddb::geoip2;
use serde::Deserialize;

use crate::World;

/// Countries of a record, in the order upstream asks them.
#[derive(Debug, Default, Deserialize)]
struct Place {
    country: Option<Country>,
    registered_country: Option<Country>,
    represented_country: Option<Country>,
    location: Option<Location>,
}

#[derive(Debug, Default, Deserialize)]
struct Country {
    #[serde(default)]
    iso_code: String,
    #[serde(default)]
    is_in_european_union: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Location {
    #[serde(default)]
    latitude: f64,
    #[serde(default)]
    longitude: f64,
}

/// Returns `IsoCode`, `IsInEU`, `Latitude` and `Longitude`; nothing without a database, zero values without a record.
pub fn city(world: &World, address: IpAddr) -> Vec<(&'static str, String)> {
    let Some(database) = &world.geoip_city else {
        return Vec::new();
    };
    let Ok(found) = database.lookup::<Place>(address) else {
        return Vec::new();
    };
    let place = found.unwrap_or_default();
    let location = place
        .location
        .as_ref()
        .map_or((0.0, 0.0), |at| (at.latitude, at.longitude));
    let (code, in_union) =
        home(&place).map_or(("", false), |c| (c.iso_code.as_str(), c.is_in_european_union));
    vec![
        ("IsoCode", code.to_owned()),
        ("IsInEU", in_union.to_string()),
        ("Latitude", format!("{:.6}", location.0)),
        ("Longitude", format!("{:.6}", location.1)),
    ]
}

/// Returns the ISO code of the country of `address`.
pub fn country(world: &World, address: IpAddr) -> Option<String> {
    let place = world.geoip_city.as_ref()?.lookup::<Place>(address).ok()??;
    home(&place).map(|country| country.iso_code.clone())
}

/// Returns `ASNNumber`, `ASNumber` and `ASNOrg`; nothing without a database.
pub fn asn(world: &World, address: IpAddr) -> Vec<(&'static str, String)> {
    let Some(database) = &world.geoip_asn else {
        return Vec::new();
    };
    let Ok(found) = database.lookup::<geoip2::Asn<'_>>(address) else {
        return Vec::new();
    };
    let number = found
        .as_ref()
        .and_then(|asn| asn.autonomous_system_number)
        .unwrap_or_default()
        .to_string();
    let owner = found
        .and_then(|asn| asn.autonomous_system_organization)
        .unwrap_or_default();
    vec![
        ("ASNNumber", number.clone()),
        ("ASNumber", number),
        ("ASNOrg", owner.to_owned()),
    ]
}

/// Returns the network of `address` in the ASN database, `1.2.3.0/24`.
pub fn range(world: &World, address: IpAddr) -> Option<String> {
    let (found, prefix) = world
        .geoip_asn
        .as_ref()?
        .lookup_prefix::<serde_json::Value>(address)
        .ok()?;
    found?;
    let prefix = u8::try_from(prefix).ok()?;
    ipnet::IpNet::new(address, prefix)
        .ok()
        .map(|network| network.trunc().to_string())
}

/// Returns the country a record belongs to: the first of the three that has a code.
fn home(place: &Place) -> Option<&Country> {
    [
        &place.country,
        &place.registered_country,
        &place.represented_country,
    ]
    .into_iter()
    .flatten()
    .find(|country| !country.iso_code.is_empty())
}

#[cfg(test)]
mod tests;
