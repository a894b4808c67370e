//! What LogProcessors make of an Acquisition, what their agents say, and how many pods it matches.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, VersionMatch};
use kube::core::{ResourceExt as _, Selector};
use service::clock;

use crate::cluster::store::Key;
use crate::context::Context;
use crate::crd::acquisition::Acquisition;
use crate::crd::log_processor::LogProcessor;
use crate::engine::{self, Engine, Refused, Silence};
use crate::error::Error;
use crate::log_processor::observe::candidate;
use crate::log_processor::reports::{Reports, reports};
use crate::log_processor::select::{TARGETS_MAX, Verdict, fill, verdict};
use crate::log_processor::title;

/// What is known besides the resource itself.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Every LogProcessor with what it makes of the Acquisition, in the order of their names.
    pub processors: Vec<Processor>,
    /// Number of pods that match.
    pub matched_pods: usize,
}

/// A LogProcessor as an Acquisition sees it.
#[derive(Clone, Debug)]
pub struct Processor {
    /// `namespace/name`.
    pub title: String,
    /// Whether it reads the Acquisition.
    pub reading: Reading,
}

/// Whether a LogProcessor reads an Acquisition.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It does; with the reports of its agents, or why there are none.
    Selected(Result<Reports, Silence>),
    /// It looks for other labels.
    NotSelected,
    /// It would, but others before it are as many as it can read.
    LeftOut,
    /// It would, but has no engine, or one that does not permit the namespace.
    Refused(Refused),
}

/// Looks at everything an Acquisition's status is about.
pub async fn observe(ctx: &Context, acquisition: &Arc<Acquisition>) -> Result<Observed, Error> {
    let mut processors = Vec::new();
    for processor in ctx.world.processors.all() {
        processors.push(Processor {
            title: title(&processor),
            reading: reading(ctx, acquisition, &processor).await,
        });
    }
    let is_read = |one: &Processor| matches!(one.reading, Reading::Selected(_));
    let matched_pods = if processors.iter().any(is_read) {
        count_pods(ctx, acquisition).await?
    } else {
        0
    };
    Ok(Observed {
        processors,
        matched_pods,
    })
}

async fn reading(ctx: &Context, acquisition: &Arc<Acquisition>, processor: &LogProcessor) -> Reading {
    let namespace = processor.namespace().unwrap_or_default();
    let engine = match engine::resolve(&ctx.world, &processor.spec.engine_ref, &namespace) {
        Ok(engine) => engine,
        Err(refused) => return Reading::Refused(refused),
    };
    let candidate = candidate(&ctx.world, &engine, Arc::clone(acquisition));
    match verdict(processor, &candidate) {
        Verdict::NotSelected => Reading::NotSelected,
        Verdict::NotAllowed => {
            let own = acquisition.namespace().unwrap_or_default();
            match engine::permits(&ctx.world, &engine.resource, &own) {
                Err(refused) => Reading::Refused(refused),
                Ok(()) => Reading::NotSelected,
            }
        }
        Verdict::Selected if is_left_out(ctx, &engine, acquisition, processor) => Reading::LeftOut,
        Verdict::Selected => {
            let answer = ctx.answers.of(&ctx.world, &ctx.engines, &engine.resource).await;
            Reading::Selected(
                answer.map(|status| reports(&status, &namespace, &processor.name_any(), clock::now())),
            )
        }
    }
}

/// Says whether as many Acquisitions as an agent reads come before this one, by namespace and name.
fn is_left_out(
    ctx: &Context,
    engine: &Engine,
    acquisition: &Arc<Acquisition>,
    processor: &LogProcessor,
) -> bool {
    let own = Key::of(&**acquisition);
    let mut before = ctx.world.acquisitions.all();
    before.retain(|other| Key::of(&**other) < own);
    before.len() >= TARGETS_MAX
        && fill(
            processor,
            before
                .into_iter()
                .map(|other| candidate(&ctx.world, engine, other)),
        )
}

/// Counts the pods that match and have not ended; the API server answers from its memory.
async fn count_pods(ctx: &Context, acquisition: &Acquisition) -> Result<usize, Error> {
    let Ok(selector) = Selector::try_from(acquisition.spec.target.pod_selector.clone()) else {
        return Ok(0);
    };
    let api: Api<Pod> = Api::namespaced(ctx.client.clone(), &acquisition.namespace().unwrap_or_default());
    let parameters = ListParams::default()
        .labels_from(&selector)
        .fields("status.phase!=Succeeded,status.phase!=Failed")
        .matching(VersionMatch::NotOlderThan)
        .at("0");
    let list = api.list_metadata(&parameters).await;
    Ok(list.map_err(Error::cluster("counting pods"))?.items.len())
}
