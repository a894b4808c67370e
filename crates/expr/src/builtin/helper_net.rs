//! Helpers on addresses and URLs: `IpInRange`, `IsIPV6`, `IpToRange`, `ParseUri`, `ExtractQueryParam`, …
//!
//! Upstream: `pkg/exprhelpers/helpers.go`, `waf.go`.

use std::net::IpAddr;

use golang::url;
use ipnet::IpNet;

use super::text::owned;
use crate::error::EvalError;
use crate::function::{Call, Function, Signature};
use crate::types::Type;
use crate::value::Value;
use crate::value::{Map, Missing};

pub(super) fn functions() -> Vec<Function> {
    let question = || Signature::fixed([Type::String], Type::Bool);
    let lists = || Type::map(Type::array(Type::String));
    vec![
        Function::pure(
            "IpInRange",
            Signature::fixed([Type::String, Type::String], Type::Bool),
            |call| Ok(Value::Bool(in_range(call.text(0)?, call.text(1)?))),
        ),
        Function::pure("IsIP", question(), |call| {
            call.text(0)?;
            Ok(Value::Bool(address(call.arg(0)).is_some()))
        }),
        Function::pure("IsIPV4", question(), |call| {
            call.text(0)?;
            Ok(Value::Bool(address(call.arg(0)).is_some_and(|a| a.is_ipv4())))
        }),
        Function::pure("IsIPV6", question(), |call| {
            call.text(0)?;
            Ok(Value::Bool(address(call.arg(0)).is_some_and(|a| a.is_ipv6())))
        }),
        Function::pure(
            "IpToRange",
            Signature::fixed([Type::String, Type::String], Type::String),
            |call| Ok(owned(to_range(call.text(0)?, call.text(1)?).unwrap_or_default())),
        ),
        Function::pure("ParseUri", Signature::fixed([Type::String], lists()), |call| {
            let query = query_of(call.text(0)?).map(parse_query).unwrap_or_default();
            Ok(as_map(query))
        }),
        Function::pure("ParseQuery", Signature::fixed([Type::String], lists()), |call| {
            Ok(as_map(parse_query_leniently(call.text(0)?)))
        }),
        Function::pure(
            "ExtractQueryParam",
            Signature::fixed([Type::String, Type::String], Type::array(Type::String)),
            extract_query_param,
        ),
    ]
}

/// Parses an address as Go's `net.ParseIP`: no zone, and an IPv4 address in IPv6 form is an IPv4 one.
fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn address(value: &Value) -> Option<IpAddr> {
    value.as_str().and_then(parse_ip)
}

fn in_range(ip: &str, range: &str) -> bool {
    let Some(ip) = parse_ip(ip) else { return false };
    let Ok(range) = range.parse::<IpNet>() else {
        return false;
    };
    let range = match range {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96).unwrap_or(range),
            None => range,
        },
        range => range,
    };
    range.contains(&ip)
}

/// Returns the range of a given prefix length (`/64`) around an address, in canonical form.
fn to_range(ip: &str, prefix: &str) -> Option<String> {
    let length: u8 = prefix.strip_prefix('/').unwrap_or(prefix).parse().ok()?;
    // a zone says nothing about a range
    let ip = ip.split_once('%').map_or(ip, |(ip, _)| ip);
    let range = IpNet::new(ip.parse().ok()?, length).ok()?;
    Some(range.trunc().to_string())
}

/// Returns the query of a URL that Go's `url.Parse` would take; `None` otherwise.
fn query_of(uri: &str) -> Option<&str> {
    let uri = uri.split_once('#').map_or(uri, |(before, _)| before);
    if uri.chars().any(|c| c.is_ascii_control()) {
        return None;
    }
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    // a colon before the first slash must belong to a scheme
    let first = path.split('/').next().unwrap_or_default();
    if first.starts_with(':') {
        return None;
    }
    if let Some((scheme, _)) = first.split_once(':') {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(plain) {
            return None;
        }
    }
    url::path_unescape(path).ok()?;
    Some(query)
}

/// Returns the parameters of a query with their values in order; what cannot be read is left out, as in Go.
fn parse_query(query: &str) -> Vec<(String, Vec<String>)> {
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for pair in query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
    {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(key), Ok(value)) = (url::query_unescape(key), url::query_unescape(value)) else {
            continue;
        };
        match params.iter_mut().find(|(name, _)| *name == key) {
            Some((_, values)) => values.push(value),
            None => params.push((key, vec![value])),
        }
    }
    params
}

/// Returns the parameters of a query as the WAF reads them: nothing is left out, what cannot be unescaped stays.
fn parse_query_leniently(query: &str) -> Vec<(String, Vec<String>)> {
    let mut params: Vec<(String, Vec<String>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescape_leniently(key), unescape_leniently(value));
        match params.iter_mut().find(|(name, _)| *name == key) {
            Some((_, values)) => values.push(value),
            None => params.push((key, vec![value])),
        }
    }
    params
}

/// Resolves the escapes that are well-formed and leaves the others; what is not UTF-8 then is replaced.
fn unescape_leniently(text: &str) -> String {
    let hex = |byte: Option<&u8>| {
        byte.and_then(|b| char::from(*b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (byte, hex(bytes.get(at)), hex(bytes.get(at + 1))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn as_map(params: Vec<(String, Vec<String>)>) -> Value {
    let mut map = Map::with_missing(Missing::EmptyArray);
    for (name, values) in params {
        map.insert(name, Value::texts(values));
    }
    Value::map(map)
}

fn extract_query_param(call: &mut Call<'_>) -> Result<Value, EvalError> {
    let name = call.text(1)?;
    let params = call
        .text(0)?
        .split_once('?')
        .map(|(_, query)| parse_query_leniently(query))
        .unwrap_or_default();
    let values = params
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, values)| values)
        .unwrap_or_default();
    call.charge(values.len())?;
    Ok(Value::texts(values))
}
