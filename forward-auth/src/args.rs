//! The command line of `crowdsec forward-auth`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use http::StatusCode;
use ipnet::IpNet;

/// Answer ingress controllers whether a client may pass: 200, or a refusal for who is banned.
#[derive(Debug, Parser)]
#[command(
    name = "crowdsec forward-auth",
    version,
    after_help = "Every path and method is a question about the client that X-Forwarded-For (else X-Real-IP) names, when \
                  the question comes from a trusted proxy, else about who asks."
)]
pub struct Args {
    /// URL of the Local API
    #[arg(long, value_name = "URL")]
    pub lapi_url: String,
    /// File with the API key; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub api_key_file: PathBuf,
    /// File with the certificate of the authority to trust, instead of the system's; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Where questions are answered
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Where /metrics, /livez and /readyz are
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:6060")]
    pub metrics_listen: SocketAddr,
    /// Ranges of the proxies whose X-Forwarded-For is believed
    #[arg(long, value_name = "RANGE", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,
    /// What a client gets while no decisions are known
    #[arg(long, value_enum, default_value = "allow")]
    pub on_failure: OnFailure,
    /// Status of a refusal
    #[arg(long, value_name = "STATUS", default_value = "403", value_parser = refusal)]
    pub deny_status: StatusCode,
    /// Time between two pulls of decisions
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub update_interval: Duration,
    /// Age of the last pull after which decisions count as unknown; never, when left out
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub stale_after: Option<Duration>,
    /// Time for which questions are answered after SIGTERM, until proxies know that nobody is to be asked here; none, when
    /// left out
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub drain: Option<Duration>,
    /// Time between two reports of what was done to the Local API
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration)]
    pub usage_interval: Duration,
}

/// What a client gets while no decisions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// The page
    Allow,
    /// The refusal
    Deny,
}

/// Reads the command line; the first word is the program's name.
pub fn parse(words: &[OsString]) -> Result<Args, clap::Error> {
    Args::try_parse_from(words)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = golang::duration::Duration::parse_days(text).map_err(|error| error.to_string())?;
    match u64::try_from(duration.0) {
        Ok(nanoseconds) if nanoseconds >= 10_000_000 => Ok(Duration::from_nanos(nanoseconds)),
        _ => Err("at least 10ms; write it as 500ms, 1s or 15m".to_owned()),
    }
}

fn refusal(text: &str) -> Result<StatusCode, String> {
    let status: StatusCode = text
        .parse()
        .map_err(|_invalid| "a number from 400 to 599".to_owned())?;
    if status.is_client_error() || status.is_server_error() {
        Ok(status)
    } else {
        Err("a number from 400 to 599: any other status lets ingress controllers pass the client".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, String> {
        let words: Vec<OsString> = ["forward-auth", "--lapi-url", "http://x", "--api-key-file", "/k"]
            .into_iter()
            .chain(line.split_whitespace())
            .map(Into::into)
            .collect();
        parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let args = read("").unwrap();
        assert_eq!((args.listen.port(), args.metrics_listen.port()), (8080, 6060));
        assert_eq!(args.deny_status, StatusCode::FORBIDDEN);
        assert_eq!(args.on_failure, OnFailure::Allow);
        assert_eq!(args.update_interval, Duration::from_secs(1));
        assert!(args.trusted_proxies.is_empty() && args.stale_after.is_none());
        assert!(args.drain.is_none());
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused_with_what_can() {
        let check = |line: &str, expected: &str| {
            let error = read(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        };
        check("--deny-status 200", "lets ingress controllers pass");
        check("--deny-status abc", "400 to 599");
        check("--update-interval 1ms", "at least 10ms");
        check("--trusted-proxies 10.0.0.0/40", "--trusted-proxies");
        check("--on-failure maybe", "allow, deny");
    }

    #[test]
    fn ranges_are_separated_by_commas() {
        let args = read("--trusted-proxies 10.0.0.0/8,fd00::/8").unwrap();
        assert_eq!(args.trusted_proxies.len(), 2);
    }
}
