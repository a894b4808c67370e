//! `cscli <type> inspect`: an item's facts, state, parents; the difference to the hub; its metrics.

use hub::{Item, ItemType};
use serde::Serialize;

use crate::alerts::yaml_scalar as scalar;
use crate::context::Context;
use crate::error::{Error, file};
use crate::installation;
use crate::items::diff;
use crate::output::Format;

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Address of the metrics, instead of the configured one
    #[arg(short, long, value_name = "URL")]
    url: Option<String>,
    /// Show the difference to the latest version, for tainted items
    #[arg(long)]
    diff: bool,
    /// The other way round
    #[arg(long)]
    rev: bool,
    /// Leave the metrics out
    #[arg(long)]
    no_metrics: bool,
}

pub(super) fn run(ctx: &Context, kind: ItemType, names: &[String], show: &Show) -> Result<(), Error> {
    if show.rev && !show.diff {
        return Err(Error::new("--rev can only be used with --diff"));
    }
    let hub = installation::open(ctx)?;
    for name in names {
        let item = hub
            .find(kind, name)
            .map_err(|_unknown| Error::new(format!("can't find '{name}' in {kind}")))?;
        if show.diff {
            ctx.out.print(&difference(ctx, item, show.rev)?)?;
            continue;
        }
        let path = hub.download_path(item);
        match ctx.out.format {
            Format::Json => ctx.out.print_json(&json(item), "  ")?,
            Format::Human | Format::Raw => ctx.out.print(&yaml(item, path.as_deref()))?,
        }
        if ctx.out.format == Format::Human && !show.no_metrics && item.state.is_installed() {
            crate::metrics::of_item(ctx, item, show.url.as_deref())?;
        }
    }
    Ok(())
}

fn yaml(item: &Item, download_path: Option<&std::path::Path>) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| text.extend([key, ": ", value, "\n"]);
    let entry = item.entry.as_ref();
    line("type", item.id.kind.as_str());
    if !item.stage.is_empty() {
        line("stage", &scalar(&item.stage));
    }
    line("name", &scalar(&item.id.name));
    line("file_name", &scalar(&item.file_name));
    let some = |key: &str, value: &str, line: &mut dyn FnMut(&str, &str)| {
        if !value.is_empty() {
            line(key, &scalar(value));
        }
    };
    some(
        "description",
        entry.map_or("", |entry| &entry.description),
        &mut line,
    );
    let list = |names: &[String]| {
        let mut text = String::new();
        for name in names {
            text.extend(["\n  - ", &scalar(name)]);
        }
        text
    };
    if let Some(entry) = entry.filter(|entry| !entry.references.is_empty()) {
        line("references", &list(&entry.references));
    }
    some("path", entry.map_or("", |entry| &entry.path), &mut line);
    some("version", entry.map_or("", |entry| &entry.version), &mut line);
    line("dependencies", &dependencies(item));
    let path_text = |path: &std::path::Path| path.display().to_string();
    some(
        "local_path",
        &item
            .state
            .local_path
            .as_deref()
            .map(path_text)
            .unwrap_or_default(),
        &mut line,
    );
    some("local_version", &item.state.local_version, &mut line);
    some("local_hash", &item.state.local_hash, &mut line);
    let downloaded = download_path
        .filter(|_| item.state.is_downloaded())
        .map(path_text)
        .unwrap_or_default();
    line("downloadpath", &scalar(&downloaded));
    line("up_to_date", &item.state.up_to_date.to_string());
    line("tainted", &item.state.tainted.to_string());
    if !item.state.tainted_by.is_empty() {
        line("tainted_by", &list(&item.state.tainted_by));
    }
    if !item.state.belongs_to.is_empty() {
        line("belongs_to_collections", &list(&item.state.belongs_to));
    }
    line("installed", &item.state.is_installed().to_string());
    line("local", &item.state.local.to_string());
    text.replace(": \n", ":\n")
}

/// The order of upstream's fields, which is not the order of its types.
const PARTS: [ItemType; 7] = [
    ItemType::Parsers,
    ItemType::Postoverflows,
    ItemType::Scenarios,
    ItemType::Collections,
    ItemType::Contexts,
    ItemType::AppsecConfigs,
    ItemType::AppsecRules,
];

fn dependencies(item: &Item) -> String {
    let parts = item.latest();
    if parts.is_empty() {
        return "{}".to_owned();
    }
    let mut text = String::new();
    for kind in PARTS {
        let names = parts.names(kind);
        if !names.is_empty() {
            text.extend(["\n  ", kind.as_str(), ":"]);
            for name in names {
                text.extend(["\n    - ", &scalar(name)]);
            }
        }
    }
    text
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "upstream's object")]
struct Json<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    stage: &'a str,
    name: &'a str,
    file_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    content: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    references: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<&'a std::collections::BTreeMap<String, hub::index::Version>>,
    #[serde(flatten)]
    dependencies: &'a hub::Dependencies,
    #[serde(skip_serializing_if = "String::is_empty")]
    local_path: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_hash: &'a str,
    installed: bool,
    downloaded: bool,
    up_to_date: bool,
    tainted: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tainted_by: &'a [String],
    local: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    belongs_to_collections: &'a [String],
}

fn json(item: &Item) -> Json<'_> {
    let entry = item.entry.as_ref();
    Json {
        r#type: item.id.kind.as_str(),
        stage: &item.stage,
        name: &item.id.name,
        file_name: &item.file_name,
        description: entry.map_or("", |entry| &entry.description),
        content: entry.map_or("", |entry| &entry.content),
        references: entry.map_or(&[], |entry| &entry.references),
        path: entry.map_or("", |entry| &entry.path),
        version: entry.map_or("", |entry| &entry.version),
        versions: entry.map(|entry| &entry.versions),
        dependencies: item.latest(),
        local_path: item
            .state
            .local_path
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        local_version: &item.state.local_version,
        local_hash: &item.state.local_hash,
        installed: item.state.is_installed(),
        downloaded: item.state.is_downloaded(),
        up_to_date: item.state.up_to_date,
        tainted: item.state.tainted,
        tainted_by: &item.state.tainted_by,
        local: item.state.local,
        belongs_to_collections: &item.state.belongs_to,
    }
}

fn difference(ctx: &Context, item: &Item, reverse: bool) -> Result<String, Error> {
    if !item.state.tainted {
        return Ok(format!("# {} is not tainted\n", item.id));
    }
    let own = item.state.tainted_by.contains(&item.id.to_string());
    let (Some(entry), Some(path), true) = (&item.entry, &item.state.download_path, own) else {
        return Ok(format!(
            "# {} is tainted by {}\n",
            item.id,
            item.state.tainted_by.join(", ")
        ));
    };
    let local = std::fs::read_to_string(path).map_err(|error| Error::new(file("open", path, &error)))?;
    let latest = installation::with_sources(ctx, |sources| {
        sources.item(entry).map_err(|error| Error::new(error.to_string()))
    })?;
    let latest = String::from_utf8_lossy(&latest).into_owned();
    let local_name = path.display().to_string();
    let latest_name = format!("{} (latest {})", entry.path, entry.version);
    Ok(if reverse {
        diff::unified(&latest_name, &latest, &local_name, &local)
    } else {
        diff::unified(&local_name, &local, &latest_name, &latest)
    })
}
