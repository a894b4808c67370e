//! `cscli metrics`: the running Security Engine's counters by subject, and what bouncers reported.

mod bouncers;
mod scrape;
mod sections;

use std::collections::BTreeMap;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Error, chain};
use crate::output::Format;
use crate::output::table::{Align, Style, WRAP};
use crate::program;
use scrape::{Rows, Sample};
use sections::{ALIASES, SECTIONS, Section};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cscli metrics                        # everything there is\n  \
    cscli metrics --no-unit              # exact numbers\n  \
    cscli metrics show acquisition parsers\n  cscli metrics show engine            # a group\n  \
    cscli metrics list                   # what can be shown"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show some or all metrics
    Show {
        /// Types or groups (engine, lapi, appsec)
        #[arg(num_args = 0.., value_name = "TYPE")]
        types: Vec<String>,
        #[command(flatten)]
        show: Show,
    },
    /// List the types with what they mean
    List,
}

#[derive(Debug, clap::Args)]
#[group(skip)]
struct Show {
    /// Address of the metrics, instead of the configured one
    #[arg(short, long, value_name = "URL")]
    url: Option<String>,
    /// Exact numbers instead of 1.23k
    #[arg(long)]
    no_unit: bool,
}

pub(crate) fn run(ctx: &Context, args: Args) -> Result<(), Error> {
    match args.command {
        None => show(ctx, &[], &args.show),
        Some(Command::Show {
            types,
            show: mut flags,
        }) => {
            flags.url = flags.url.or(args.show.url);
            flags.no_unit |= args.show.no_unit;
            show(ctx, &types, &flags)
        }
        Some(Command::List) => list(ctx),
    }
}

fn show(ctx: &Context, types: &[String], flags: &Show) -> Result<(), Error> {
    let wanted = wanted(types)?;
    if ctx.out.format == Format::Raw {
        return Err(Error::Format("raw"));
    }
    let needs_scrape = wanted.iter().any(|section| section.name != "bouncers");
    let samples = if needs_scrape {
        fetch(ctx, flags.url.as_deref())
    } else {
        Ok(Vec::new())
    };
    let samples = samples.unwrap_or_else(|text| {
        ctx.out.warn(&text);
        Vec::new()
    });
    let all = scrape::sort(&samples);
    let reports = if wanted.iter().any(|section| section.name == "bouncers") {
        bouncers::load(ctx)
    } else {
        BTreeMap::new()
    };
    if ctx.out.format == Format::Json {
        let mut value = serde_json::Map::new();
        for section in &wanted {
            let json = if section.name == "bouncers" {
                bouncers::json(&reports)
            } else {
                all.get(section.name)
                    .map_or_else(|| serde_json::json!({}), |rows| section.json(rows))
            };
            value.insert(section.name.to_owned(), json);
        }
        return ctx.out.print(&crate::output::json::pretty(&value, " "));
    }
    let empty = Rows::default();
    for section in &wanted {
        if section.name == "bouncers" {
            ctx.out
                .print(&bouncers::tables(&ctx.out, &reports, flags.no_unit))?;
            continue;
        }
        let rows = all.get(section.name).unwrap_or(&empty);
        // Without being asked for, an empty table is only noise.
        if !rows.is_empty() || !types.is_empty() {
            ctx.out.print(&section.table(&ctx.out, rows, flags.no_unit))?;
        }
    }
    Ok(())
}

fn wanted(types: &[String]) -> Result<Vec<&'static Section>, Error> {
    let mut names: Vec<&str> = Vec::new();
    for name in types {
        match ALIASES.iter().find(|(alias, _)| alias == name) {
            Some((_, members)) => names.extend(*members),
            None => names.push(name),
        }
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| !SECTIONS.iter().any(|section| section.name == **name))
    {
        return Err(Error::new(format!("unknown metrics type: {unknown}")));
    }
    Ok(SECTIONS
        .iter()
        .filter(|section| names.is_empty() || names.contains(&section.name))
        .collect())
}

fn fetch(ctx: &Context, url: Option<&str>) -> Result<Vec<Sample>, String> {
    let configured = ctx
        .config()
        .map(|config| config.cscli.prometheus_url.clone())
        .unwrap_or_default();
    let url = url.map_or(configured, str::to_owned);
    if url.is_empty() {
        return Err(
            "fetching metrics: no address configured; set prometheus in config.yaml or give --url".to_owned(),
        );
    }
    let limits = client::transport::Limits {
        answer: 64 << 20,
        ..client::transport::Limits::default()
    };
    let bytes = ctx
        .wait(client::fetch::get(&url, &program::user_agent(), &limits))
        .map_err(|error| {
            format!(
                "fetching metrics: {}; is crowdsec running, with prometheus enabled?",
                chain(&error)
            )
        })?;
    Ok(scrape::parse(&String::from_utf8_lossy(&bytes)))
}

fn list(ctx: &Context) -> Result<(), Error> {
    match ctx.out.format {
        Format::Raw => Err(Error::Format("raw")),
        Format::Json => {
            let rows: Vec<serde_json::Value> = SECTIONS
                .iter()
                .map(|section| {
                    serde_json::json!({
                        "type": section.name, "title": section.title, "description": section.about,
                    })
                })
                .collect();
            ctx.out.print_json(&rows, " ")
        }
        Format::Human => {
            let header = ["Type", "Title", "Description"];
            let mut table = ctx.out.table(Style::Boxed).header(header).wrap(2, WRAP);
            for (position, section) in SECTIONS.iter().enumerate() {
                if position > 0 {
                    table.rule();
                }
                table.row([section.name, section.title, section.about]);
            }
            ctx.out.print(&table.render())
        }
    }
}

/// Shows the metrics of one installed item after its facts.
pub(crate) fn of_item(ctx: &Context, item: &hub::Item, url: Option<&str>) -> Result<(), Error> {
    ctx.out.print("\nCurrent metrics: \n")?;
    let samples = fetch(ctx, url).map_err(Error::new)?;
    let of_name = |sample: &&Sample, name: &str| sample.label("name") == name;
    let count = |metric: &str, name: &str, source: Option<&str>| -> i64 {
        samples
            .iter()
            .filter(|sample| sample.name == metric && of_name(sample, name))
            .filter(|sample| source.is_none_or(|source| sample.source() == source))
            .map(|sample| sample.value)
            .sum()
    };
    let name = item.id.name.as_str();
    match item.id.kind {
        hub::ItemType::Scenarios => {
            let mut table = ctx
                .out
                .table(Style::Boxed)
                .title(format!("(Scenario) {name}"))
                .header(["Current Count", "Overflows", "Instantiated", "Poured", "Expired"])
                .header_align(Align::Left);
            table.row(
                [
                    "cs_buckets",
                    "cs_bucket_overflowed_total",
                    "cs_bucket_instantiation_total",
                    "cs_bucket_poured_total",
                    "cs_bucket_underflowed_total",
                ]
                .map(|metric| count(metric, name, None).to_string()),
            );
            ctx.out.print(&table.render())
        }
        hub::ItemType::Parsers => {
            let mut table = ctx
                .out
                .table(Style::Boxed)
                .title(format!("(Parser) {name}"))
                .header(["Parsers", "Hits", "Parsed", "Unparsed"])
                .header_align(Align::Left);
            let mut sources: Vec<String> = samples
                .iter()
                .filter(|sample| sample.name == "cs_node_hits_total" && of_name(sample, name))
                .map(Sample::source)
                .collect();
            sources.sort();
            sources.dedup();
            for source in sources {
                let counts = [
                    "cs_node_hits_total",
                    "cs_node_hits_ok_total",
                    "cs_node_hits_ko_total",
                ]
                .map(|metric| count(metric, name, Some(&source)).to_string());
                table.row(std::iter::once(source).chain(counts));
            }
            if table.is_empty() {
                Ok(())
            } else {
                ctx.out.print(&table.render())
            }
        }
        _ => Ok(()),
    }
}

/// Returns a number with two digits and a unit from a thousand on, `-` for none.
pub(crate) fn number(value: i64, exact: bool) -> String {
    const UNITS: [(i64, &str); 4] = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    if value == 0 {
        return "-".to_owned();
    }
    match UNITS.into_iter().find(|(size, _)| !exact && value >= *size) {
        #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
        Some((size, unit)) => format!("{:.2}{unit}", value as f64 / size as f64),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_unless_exact() {
        for (value, exact, expected) in [
            (0, false, "-"),
            (700, false, "700"),
            (3000, false, "3.00k"),
            (3000, true, "3000"),
            (123_456, false, "123.46k"),
            (2_500_000, false, "2.50M"),
        ] {
            assert_eq!(number(value, exact), expected);
        }
    }

    #[test]
    fn groups_stand_for_their_members_and_unknown_types_are_named() {
        let names: Vec<&str> = wanted(&["appsec".to_owned()])
            .unwrap()
            .iter()
            .map(|section| section.name)
            .collect();
        assert_eq!(names, ["appsec-engine", "appsec-rule"]);
        assert_eq!(
            wanted(&["nope".to_owned()]).unwrap_err().to_string(),
            "unknown metrics type: nope"
        );
        assert_eq!(wanted(&[]).unwrap().len(), SECTIONS.len());
    }
}
