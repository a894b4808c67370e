//! What the Local APIs said of their state, asked once for all who want to know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wire::admin::Status;

use crate::cluster::apply::chain;
use crate::cluster::store::Key;
use crate::cluster::world::World;
use crate::crd::SecurityEngine;
use crate::engine::{self, Engines, Silence};

/// How long an answer, or the lack of one, is taken for the truth.
const FRESH: Duration = Duration::from_secs(3);

/// The answer of a Local API, or why there is none.
pub type Answer = Result<Arc<Status>, Silence>;

/// The latest answers; whoever asks while another waits for the same Local API waits with them.
#[derive(Debug, Default)]
pub struct Answers {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<Option<(Instant, Answer)>>;

impl Answers {
    /// Returns the state of an engine's Local API, a few seconds old at most.
    pub async fn of(&self, world: &World, engines: &Engines, engine: &SecurityEngine) -> Answer {
        engine::serves(world, engine, service::clock::now())?;
        let key = Key::of(engine);
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key.clone()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some((since, answer)) = slot.as_ref()
            && since.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = ask(engines, engine).await;
        if answer.is_err() {
            engines.forget(&key);
        }
        *slot = Some((Instant::now(), answer.clone()));
        answer
    }

    /// Forgets an answer, because it was made untrue.
    pub fn forget(&self, engine: &Key) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(engine);
    }
}

async fn ask(engines: &Engines, engine: &SecurityEngine) -> Answer {
    let admin = engines.admin(engine).await;
    let admin = admin.map_err(|error| Silence::Unreachable(chain(&error)))?;
    match admin.client.status().await {
        Ok(status) => Ok(Arc::new(status)),
        Err(error) => Err(Silence::Unreachable(format!(
            "the Local API does not answer the operator: {}",
            chain(&error)
        ))),
    }
}
