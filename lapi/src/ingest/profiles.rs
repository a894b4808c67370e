//! Profiles: which decisions follow from an alert. Upstream: `pkg/csprofiles`.

mod env;
pub mod history;

use config::resolved::{OnError, OnSuccess, Profile};
use expr::{ExprId, Host, Library, Memo, Scheme, Type, Value};
use wire::alert::Alert;
use wire::decision::Decision;
use wire::origin;

/// The compiled profiles, in order.
#[derive(Debug)]
pub struct Profiles {
    library: Library,
    profiles: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    profile: Profile,
    filters: Vec<ExprId>,
    duration: Option<ExprId>,
}

/// What the profiles make of an alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Decisions of the first profile that gives any.
    pub decisions: Vec<Decision>,
    /// Notifications of every profile that matched.
    pub notifications: Vec<String>,
}

/// Says what is wrong with a profile or with an alert under it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// An expression that does not compile.
    #[error("{file}: profile {name}: {field} at line {line}, column {column}: {message}")]
    Compile {
        /// The file.
        file: String,
        /// The profile.
        name: String,
        /// `filters` or `duration_expr`.
        field: &'static str,
        /// Line within the expression.
        line: usize,
        /// Column within the expression.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// An expression that failed on an alert, in a profile without `on_error`.
    #[error("{0}")]
    Evaluate(String),
}

impl Profiles {
    /// Compiles profiles; every problem is reported, not only the first.
    pub fn compile(profiles: Vec<Profile>) -> Result<Self, Vec<ProfileError>> {
        let objects = env::objects();
        let scheme = Scheme::new(&objects).with_object("Alert", env::alert::KIND);
        let mut library = Library::new(&objects);
        let mut problems = Vec::new();
        let mut compiled = Vec::new();
        for profile in profiles {
            let mut compile =
                |source: &str, field, wanted: &Type| match library.compile(source, &scheme, wanted) {
                    Ok(id) => Some(id),
                    Err(error) => {
                        problems.push(ProfileError::Compile {
                            file: profile.file.display().to_string(),
                            name: profile.name.clone(),
                            field,
                            line: error.line,
                            column: error.column,
                            message: error.message,
                        });
                        None
                    }
                };
            let filters = profile
                .filters
                .iter()
                .filter_map(|text| compile(text, "filters", &Type::Bool))
                .collect();
            let duration = profile
                .duration_expr
                .as_deref()
                .filter(|text| !text.is_empty())
                .and_then(|text| compile(text, "duration_expr", &Type::Any));
            compiled.push(Compiled {
                profile,
                filters,
                duration,
            });
        }
        if problems.is_empty() {
            Ok(Self {
                library,
                profiles: compiled,
            })
        } else {
            Err(problems)
        }
    }

    /// Asks each profile in order; with `by_hand` the alert carries decisions, so only notifications are asked for.
    pub fn decide(&self, alert: &Alert, by_hand: bool, host: &dyn Host) -> Result<Outcome, ProfileError> {
        let mut outcome = Outcome::default();
        for compiled in &self.profiles {
            let matched = match self.evaluate(compiled, alert, host) {
                Ok(decisions) => decisions,
                Err(Failure {
                    message,
                    matched_before,
                }) => match (compiled.profile.on_error, by_hand) {
                    (OnError::Refuse, false) => return Err(ProfileError::Evaluate(message)),
                    (OnError::Apply, _) => Some(Vec::new()),
                    (OnError::Break, _) if matched_before => break,
                    (OnError::Refuse | OnError::Continue | OnError::Ignore | OnError::Break, _) => {
                        tracing::warn!(profile = compiled.profile.name, "profile skipped: {message}");
                        None
                    }
                },
            };
            let Some(decisions) = matched else { continue };
            if outcome.decisions.is_empty() && !by_hand {
                outcome.decisions = decisions;
            }
            outcome
                .notifications
                .extend(compiled.profile.notifications.iter().cloned());
            if compiled.profile.on_success == OnSuccess::Break {
                break;
            }
        }
        Ok(outcome)
    }

    /// Returns the decisions of one profile, `None` when it does not match; each true filter gives the list again.
    fn evaluate(
        &self,
        compiled: &Compiled,
        alert: &Alert,
        host: &dyn Host,
    ) -> Result<Option<Vec<Decision>>, Failure> {
        let mut env = env::AlertEnv::new(alert, host);
        let mut memo = Memo::new(&self.library);
        let mut decisions = None;
        for filter in &compiled.filters {
            let truth = self.library.eval_bool(*filter, &mut env, &mut memo);
            let failure = |error: expr::EvalError| Failure {
                message: error.to_string(),
                matched_before: decisions.is_some(),
            };
            if !truth.map_err(failure)? {
                continue;
            }
            let duration = match compiled.duration {
                Some(expr) => self.duration(expr, &mut env, &mut memo),
                None => None,
            };
            let own = compiled.profile.decisions.iter().map(|template| {
                let source = alert.source.clone().unwrap_or_default();
                let given = if template.duration.is_empty() {
                    "4h"
                } else {
                    template.duration.as_str()
                };
                Decision {
                    duration: Some(duration.clone().unwrap_or_else(|| given.to_owned())),
                    origin: Some(match template.origin.as_deref().filter(|name| !name.is_empty()) {
                        Some(name) => format!("{}/{name}", origin::CROWDSEC),
                        None => origin::CROWDSEC.to_owned(),
                    }),
                    scenario: Some(alert.scenario.clone()),
                    scope: template
                        .scope
                        .clone()
                        .filter(|scope| !scope.is_empty())
                        .or(source.scope),
                    type_: Some(template.kind.clone()),
                    value: source.value,
                    ..Decision::default()
                }
            });
            decisions.get_or_insert_with(Vec::new).extend(own);
        }
        Ok(decisions)
    }

    /// Evaluates a duration; what is no duration gives none, and then the written one counts.
    fn duration(&self, expr: ExprId, env: &mut env::AlertEnv<'_>, memo: &mut Memo) -> Option<String> {
        let text = match self.library.eval(expr, env, memo) {
            Ok(Value::Str(text)) => text.to_string(),
            Ok(Value::Duration(duration)) => duration.to_string(),
            Ok(other) => {
                tracing::warn!("duration_expr gave {} instead of a duration", other.type_name());
                return None;
            }
            Err(error) => {
                tracing::warn!("duration_expr: {error}");
                return None;
            }
        };
        match golang::duration::Duration::parse_days(&text) {
            Ok(_) => Some(text),
            Err(error) => {
                tracing::warn!("duration_expr gave '{text}': {error}");
                None
            }
        }
    }
}

struct Failure {
    message: String,
    matched_before: bool,
}
