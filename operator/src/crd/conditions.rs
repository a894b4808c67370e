//! Conditions: each type with the one list of reasons it may have. `docs/concepts.md` prints these tables.
//!
//! A reason knows its status, so that the two can never contradict each other.

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The condition holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told.
    Unknown,
}

impl Status {
    /// Returns the word that a condition's `status` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A reason of one condition.
pub trait Reason: Copy {
    /// Type of the condition.
    const TYPE: &'static str;

    /// Returns the status that goes with the reason.
    fn status(self) -> Status;

    /// Returns the reason's name as it stands in the object.
    fn name(self) -> &'static str;
}

/// One condition type as it is documented.
#[derive(Clone, Copy, Debug)]
pub struct Documented {
    /// Type of the condition.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Name, status and meaning of each reason.
    pub reasons: &'static [(&'static str, Status, &'static str)],
}

macro_rules! conditions {
    ($($(#[doc = $about:literal])+ $condition:ident { $($(#[doc = $doc:literal])+ $reason:ident = $status:ident,)+ })+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $condition {
                $($(#[doc = $doc])+ $reason,)+
            }

            impl Reason for $condition {
                const TYPE: &'static str = stringify!($condition);

                fn status(self) -> Status {
                    match self { $(Self::$reason => Status::$status,)+ }
                }

                fn name(self) -> &'static str {
                    match self { $(Self::$reason => stringify!($reason),)+ }
                }
            }
        )+

        /// All condition types with all their reasons.
        pub const DOCUMENTED: &[Documented] = &[
            $(Documented {
                name: stringify!($condition),
                about: concat!($($about),+),
                reasons: &[$((stringify!($reason), Status::$status, concat!($($doc),+)),)+],
            },)+
        ];
    };
}

conditions! {
    /// The object does its work.
    Ready {
        /// Everything that belongs to the object is there and works.
        Available = True,
        /// Its pods are not ready yet.
        Starting = False,
        /// The spec says `replicas: 0`.
        ScaledToZero = False,
        /// The spec cannot be carried out; the message names the field and the cure.
        Invalid = False,
        /// The engine it refers to does not exist.
        EngineNotFound = False,
        /// The engine it refers to is not ready.
        EngineNotReady = False,
        /// The engine's `allowedNamespaces` does not permit this namespace.
        NotAllowed = False,
        /// The cluster refused an object; the message says which and why.
        ApplyFailed = False,
        /// Something it needs is missing; another condition of the object says what.
        Incomplete = False,
    }
    /// The operator is changing something, or waits for the cluster to do so.
    Progressing {
        /// Everything is as the spec wants it.
        Reconciled = False,
        /// Pods are being replaced or started.
        RollingOut = True,
        /// Something outside must happen first; the message says what.
        Waiting = True,
        /// The rollout does not come forward; the message quotes what the cluster says.
        Stalled = False,
        /// `spec.paused` is true: nothing is changed.
        Paused = False,
        /// The spec cannot be carried out.
        Invalid = False,
    }
    /// Something works less well than it should.
    Degraded {
        /// Nothing is wrong.
        AsExpected = False,
        /// Pods fail; the message quotes their state.
        PodsFailing = True,
        /// The cluster refused an object; the message says which and why. It is tried again.
        ApplyFailed = True,
        /// The volume is not there; the message quotes the claim.
        StorageUnavailable = True,
        /// The Local API does not answer the operator.
        LocalApiUnreachable = True,
        /// A source cannot be read; the message quotes the agent.
        SourceFailing = True,
        /// The spec cannot be carried out.
        Invalid = True,
    }
    /// The spec is carried out.
    Accepted {
        /// It is.
        Accepted = True,
        /// It cannot be; the message names the field and the cure.
        Invalid = False,
        /// The engine it refers to does not exist.
        EngineNotFound = False,
        /// The engine's `allowedNamespaces` does not permit this namespace.
        NotAllowed = False,
        /// No LogProcessor selects it.
        NotSelected = False,
        /// The LogProcessor that selects it reads as many as it can already.
        TooMany = False,
    }
    /// The Local API knows the object's machines or its key.
    Registered {
        /// It knows all of them.
        Registered = True,
        /// Some are missing still.
        Incomplete = False,
        /// The Local API does not answer the operator.
        LocalApiUnreachable = False,
        /// The engine is not there, does not serve, or may not be used.
        EngineUnavailable = False,
    }
    /// Lines are read.
    ReadingLogs {
        /// Lines were read in the last minutes.
        LinesRead = True,
        /// No pod matches any selector, and no file of the node exists.
        NothingMatched = False,
        /// Files are open, but no line was written to them yet.
        NoLinesYet = False,
        /// A source cannot be read; the message quotes the agent.
        SourceFailing = False,
        /// No agent has reported yet.
        NoReport = Unknown,
    }
    /// Parsers understand the lines.
    ParsingLogs {
        /// They do.
        LinesParsed = True,
        /// Lines are read, and no parser understands any: the type or the collection does not fit.
        NothingParsed = False,
        /// No line was read yet.
        NoLinesYet = Unknown,
        /// No agent has reported yet.
        NoReport = Unknown,
    }
    /// Alerts name clients rather than proxies or nodes.
    ClientIPPreserved {
        /// They name addresses outside the cluster.
        ClientAddresses = True,
        /// They name nodes or pods: the ingress controller does not see, or not log, who its client is.
        InternalAddresses = False,
        /// There was no alert in the last hour.
        NoAlerts = Unknown,
    }
    /// Prometheus is told where the metrics are.
    Monitored {
        /// The monitor object is there.
        MonitorApplied = True,
        /// The cluster does not serve the kind; install the Prometheus Operator or set `monitoring.enabled: false`.
        CrdMissing = False,
        /// The spec says `monitoring.enabled: false`.
        Disabled = False,
    }
    /// The key is in every Secret it belongs to.
    SecretSynced {
        /// It is.
        Synced = True,
        /// The engine's certificate comes first.
        Waiting = False,
        /// The Secret with a key of your own is missing or has no such key.
        KeyMissing = False,
        /// A Secret of that name exists and is not the operator's.
        Conflict = False,
        /// A Secret could not be written; the message says which and why.
        WriteFailed = False,
    }
    /// What enforces decisions is there.
    Integrated {
        /// Nothing was asked for: `integration.type` is `None`.
        NotRequested = True,
        /// The forward-auth Service answers.
        Available = True,
        /// Its pods are not ready yet.
        Starting = False,
        /// The cluster does not serve Traefik's Middleware; install its definitions or take `type: ForwardAuth`.
        CrdMissing = False,
    }
}
