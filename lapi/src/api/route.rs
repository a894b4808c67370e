//! Which path and method is which endpoint; what else there is to say about a path. Upstream: `controllers/controller.go`.

use http::Method;
use percent_encoding::percent_decode_str;

/// What a request asks for.
#[expect(missing_docs, reason = "the table below says which route each is")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Health,
    Register,
    Login,
    DeleteSelf,
    Refresh,
    Heartbeat,
    Report,
    PostAlerts,
    Alerts,
    DeleteAlerts,
    Alert,
    DeleteAlert,
    Decisions,
    DeleteDecisions,
    DeleteDecision,
    Stream,
    Usage,
    Allowlists,
    Allowlist,
    CheckAllowlist,
    CheckAllowlists,
    Admin,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routed {
    /// To an endpoint, with its path template and the value of its parameter.
    To(Endpoint, &'static str, String),
    /// The same path without its trailing slash.
    Elsewhere(String),
    /// The path is known, the method is not; names those that are.
    NotAllowed(String),
    /// No such path.
    Nowhere,
}

impl Routed {
    /// Returns the path template, empty where there is none.
    pub fn template(&self) -> &'static str {
        match self {
            Self::To(_, template, _) => template,
            _ => "",
        }
    }
}

/// Paths, with the methods in the order upstream lists them in `Allow`.
const ROUTES: &[(&str, &[(&str, Endpoint)])] = &[
    ("/health", &[("GET", Endpoint::Health)]),
    ("/v1/watchers", &[("POST", Endpoint::Register)]),
    ("/v1/watchers/login", &[("POST", Endpoint::Login)]),
    ("/v1/watchers/self", &[("DELETE", Endpoint::DeleteSelf)]),
    ("/v1/watchers/report", &[("POST", Endpoint::Report)]),
    ("/v1/refresh_token", &[("GET", Endpoint::Refresh)]),
    ("/v1/heartbeat", &[("GET", Endpoint::Heartbeat)]),
    (
        "/v1/alerts",
        &[
            ("GET", Endpoint::Alerts),
            ("POST", Endpoint::PostAlerts),
            ("HEAD", Endpoint::Alerts),
            ("DELETE", Endpoint::DeleteAlerts),
        ],
    ),
    (
        "/v1/alerts/:alert_id",
        &[
            ("GET", Endpoint::Alert),
            ("HEAD", Endpoint::Alert),
            ("DELETE", Endpoint::DeleteAlert),
        ],
    ),
    (
        "/v1/decisions",
        &[
            ("GET", Endpoint::Decisions),
            ("HEAD", Endpoint::Decisions),
            ("DELETE", Endpoint::DeleteDecisions),
        ],
    ),
    (
        "/v1/decisions/stream",
        &[("GET", Endpoint::Stream), ("HEAD", Endpoint::Stream)],
    ),
    (
        "/v1/decisions/:decision_id",
        &[("DELETE", Endpoint::DeleteDecision)],
    ),
    ("/v1/usage-metrics", &[("POST", Endpoint::Usage)]),
    ("/v1/allowlists", &[("GET", Endpoint::Allowlists)]),
    ("/v1/allowlists/check", &[("POST", Endpoint::CheckAllowlists)]),
    (
        "/v1/allowlists/check/:ip_or_range",
        &[
            ("GET", Endpoint::CheckAllowlist),
            ("HEAD", Endpoint::CheckAllowlist),
        ],
    ),
    ("/v1/allowlists/:allowlist_name", &[("GET", Endpoint::Allowlist)]),
    ("/admin/v1/status", &[("GET", Endpoint::Admin)]),
    ("/admin/v1/bouncers", &[("GET", Endpoint::Admin)]),
    (
        "/admin/v1/bouncers/:name",
        &[
            ("GET", Endpoint::Admin),
            ("PUT", Endpoint::Admin),
            ("DELETE", Endpoint::Admin),
        ],
    ),
    ("/admin/v1/machines", &[("GET", Endpoint::Admin)]),
    (
        "/admin/v1/machines/:name",
        &[
            ("GET", Endpoint::Admin),
            ("PUT", Endpoint::Admin),
            ("DELETE", Endpoint::Admin),
        ],
    ),
];

/// Finds the endpoint of a request.
pub fn find(method: &Method, path: &str) -> Routed {
    let mut allowed: Vec<&str> = Vec::new();
    for (template, methods) in ROUTES {
        let Some(parameter) = matches(template, path) else {
            continue;
        };
        if let Some((_, endpoint)) = methods.iter().find(|(name, _)| *name == method.as_str()) {
            return Routed::To(*endpoint, template, parameter);
        }
        allowed.extend(
            methods
                .iter()
                .map(|(name, _)| *name)
                .filter(|name| !allowed.contains(name))
                .collect::<Vec<_>>(),
        );
    }
    if let Some(shorter) = path.strip_suffix('/').filter(|shorter| !shorter.is_empty())
        && matches!(find(method, shorter), Routed::To(..))
    {
        return Routed::Elsewhere(shorter.to_owned());
    }
    if allowed.is_empty() {
        Routed::Nowhere
    } else {
        Routed::NotAllowed(allowed.join(", "))
    }
}

/// Compares segment by segment; returns the unescaped parameter, empty without one. `%2F` stays within a segment.
fn matches(template: &str, path: &str) -> Option<String> {
    let mut parameter = String::new();
    let mut given = path.split('/');
    for wanted in template.split('/') {
        let segment = given.next()?;
        if wanted.starts_with(':') {
            if segment.is_empty() {
                return None;
            }
            parameter = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_find_their_endpoint_or_their_refusal() {
        let check = |method: &str, path: &str, expected: Routed| {
            assert_eq!(find(&method.parse().unwrap(), path), expected, "{method} {path}");
        };
        let to = |endpoint, template, parameter: &str| Routed::To(endpoint, template, parameter.to_owned());
        check(
            "GET",
            "/v1/decisions/stream",
            to(Endpoint::Stream, "/v1/decisions/stream", ""),
        );
        check(
            "DELETE",
            "/v1/decisions/7",
            to(Endpoint::DeleteDecision, "/v1/decisions/:decision_id", "7"),
        );
        check(
            "GET",
            "/v1/allowlists/check/1.2.3.0%2F24",
            to(
                Endpoint::CheckAllowlist,
                "/v1/allowlists/check/:ip_or_range",
                "1.2.3.0/24",
            ),
        );
        check(
            "POST",
            "/v1/decisions",
            Routed::NotAllowed("GET, HEAD, DELETE".to_owned()),
        );
        check("HEAD", "/health", Routed::NotAllowed("GET".to_owned()));
        check("GET", "/v1/alerts/", Routed::Elsewhere("/v1/alerts".to_owned()));
        check("GET", "//v1/alerts", Routed::Nowhere);
    }
}
