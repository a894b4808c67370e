//! What bouncers and agents report about themselves. Upstream: `controllers/v1/usagemetrics.go`.

use http::StatusCode;
use http::header::AUTHORIZATION;
use serde::Serialize;
use wire::json;
use wire::usage::{AllMetrics, Base, LogProcessor, RemediationComponent, Window};

use super::answer::{self, Answer, Body, Failure};
use super::{Api, Call, body};
use crate::store::usage::Reporter;

/// The part of a report that is kept as it came; order of fields as upstream stores them.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    metrics: &'a [Window],
}

/// `POST /v1/usage-metrics`; whatever the content type says, the body is JSON.
pub(super) async fn store(api: &Api, call: &Call, body: Body) -> Result<Answer, Failure> {
    let reporter = reporter(api, call).await?;
    let bytes = body::read(call, body, body::KNOWN).await?;
    let report = {
        let value = json::parse(&bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
        let report: AllMetrics =
            json::decode_value(&value).map_err(|error| Failure::bad_request(error.to_string()))?;
        if let Some(text) = json::invalid::<AllMetrics>(&value) {
            return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, text));
        }
        report
    };
    match &reporter {
        Reporter::Machine(_) => one(&report.log_processors, "log processor")?,
        Reporter::Bouncer(..) => one(&report.remediation_components, "remediation component")?,
    }
    let (columns, payload) = match (
        report.remediation_components.first(),
        report.log_processors.first(),
    ) {
        (Some(bouncer), _) => of_bouncer(bouncer)?,
        (None, Some(agent)) => of_agent(agent)?,
        (None, None) => return Err(Failure::bad_request("Missing remediation component data")),
    };
    let columns = match (&reporter, report.remediation_components.first()) {
        // A machine row has no type of its own.
        (Reporter::Machine(_), Some(_)) => columns.into_iter().filter(|(name, _)| *name != "type").collect(),
        _ => columns,
    };
    api.store.add_usage(reporter, columns, payload).await?;
    Ok(answer::empty(StatusCode::CREATED))
}

async fn reporter(api: &Api, call: &Call) -> Result<Reporter, Failure> {
    let by_token = call.header("x-api-key").is_empty()
        && (!call.header(AUTHORIZATION).is_empty()
            || call.header(http::header::USER_AGENT).starts_with("crowdsec/"));
    if by_token {
        let machine = api.machine(call)?;
        api.metrics.machine(&machine, call.template, &call.method);
        return Ok(Reporter::Machine(machine));
    }
    let bouncer = api.bouncer(call).await?;
    Ok(Reporter::Bouncer(bouncer.id, bouncer.name.clone()))
}

fn one<T>(reports: &[T], name: &str) -> Result<(), Failure> {
    match reports.len() {
        0 => Err(Failure::bad_request(format!("Missing {name} data"))),
        1 => Ok(()),
        _ => Err(Failure::bad_request(format!("Payload has more than one {name}"))),
    }
}

type Columns = Vec<(&'static str, String)>;

fn of_base(base: &Base) -> Columns {
    let os = base.os.clone().unwrap_or_default();
    vec![
        ("version", base.version.clone()),
        ("osname", os.name),
        ("osfamily", os.family),
        ("osversion", os.version),
        ("featureflags", base.feature_flags.join(",")),
    ]
}

fn of_bouncer(report: &RemediationComponent) -> Result<(Columns, String), Failure> {
    let mut columns = of_base(&report.base);
    columns.push(("type", report.type_.clone()));
    Ok((
        columns,
        encode(&Payload {
            kind: Some(&report.type_),
            metrics: &report.base.metrics,
        })?,
    ))
}

fn of_agent(report: &LogProcessor) -> Result<(Columns, String), Failure> {
    let mut columns = of_base(&report.base);
    columns.push(("hubstate", encode(&report.hub_items)?));
    columns.push(("datasources", encode(&report.datasources)?));
    Ok((
        columns,
        encode(&Payload {
            kind: None,
            metrics: &report.base.metrics,
        })?,
    ))
}

fn encode<T: Serialize>(value: &T) -> Result<String, Failure> {
    json::to_string(value).map_err(|error| Failure::internal(error.to_string()))
}
