//! Declares to the expression language what an event and a bucket look like: fields, methods, types.

use std::sync::{Arc, OnceLock};

use expr::{Objects, Scheme, Type, object};

object! {
    /// Upstream: `pkg/pipeline`, `Event`.
    pub mod event = 1, "types.Event" {
        TYPE "Type": Type::Int,
        EXPECT_MODE "ExpectMode": Type::Int,
        WHITELISTED "Whitelisted": Type::Bool,
        WHITELIST_REASON "WhitelistReason": Type::String,
        STAGE "Stage": Type::String,
        LINE "Line": Type::Object(line::KIND),
        PARSED "Parsed": Type::strings(),
        ENRICHED "Enriched": Type::strings(),
        UNMARSHALED "Unmarshaled": Type::anys(),
        OVERFLOW "Overflow": Type::Object(overflow::KIND),
        TIME "Time": Type::Time,
        PROCESS "Process": Type::Bool,
        APPSEC "Appsec": Type::Object(appsec::KIND),
        STR_TIME "StrTime": Type::String,
        STR_TIME_FORMAT "StrTimeFormat": Type::String,
        MARSHALED_TIME "MarshaledTime": Type::String,
        META "Meta": Type::strings(),
    } methods {
        SET_META "SetMeta"(Type::String, Type::String) -> Type::Bool, reads [], writes [META];
        SET_PARSED "SetParsed"(Type::String, Type::String) -> Type::Bool, reads [], writes [PARSED];
        GET_TYPE "GetType"() -> Type::String, reads [TYPE];
        GET_META "GetMeta"(Type::String) -> Type::String, reads [META, OVERFLOW];
        PARSE_IP_SOURCES "ParseIPSources"() -> Type::array(Type::String);
    }
}

object! {
    /// Upstream: `pkg/pipeline`, `Line`.
    pub mod line = 2, "types.Line" {
        RAW "Raw": Type::String,
        SRC "Src": Type::String,
        TIME "Time": Type::Time,
        LABELS "Labels": Type::strings(),
        PROCESS "Process": Type::Bool,
        MODULE "Module": Type::String,
    }
}

object! {
    /// Upstream: `pkg/pipeline`, `RuntimeAlert`.
    pub mod overflow = 3, "types.RuntimeAlert" {
        MAPKEY "Mapkey": Type::String,
        BUCKET_ID "BucketId": Type::String,
        WHITELISTED "Whitelisted": Type::Bool,
        REPROCESS "Reprocess": Type::Bool,
        SOURCES "Sources": Type::map(Type::Object(source::KIND)),
        ALERT "Alert": Type::Object(alert::KIND),
        API_ALERTS "APIAlerts": Type::array(Type::Object(alert::KIND)),
    } methods {
        GET_SOURCES "GetSources"() -> Type::array(Type::String);
    }
}

object! {
    /// Upstream: `pkg/models`, `Alert`; instance = event * 64 + position in `APIAlerts`.
    pub mod alert = 4, "models.Alert" {
        CAPACITY "Capacity": Type::Int,
        CREATED_AT "CreatedAt": Type::String,
        DECISIONS "Decisions": Type::array(Type::Any),
        EVENTS "Events": Type::array(Type::Object(model_event::KIND)),
        EVENTS_COUNT "EventsCount": Type::Int,
        ID "ID": Type::Int,
        KIND_ "Kind": Type::String,
        LABELS "Labels": Type::array(Type::String),
        LEAKSPEED "Leakspeed": Type::String,
        MACHINE_ID "MachineID": Type::String,
        MESSAGE "Message": Type::String,
        META "Meta": Type::array(Type::strings()),
        REMEDIATION "Remediation": Type::Bool,
        SCENARIO "Scenario": Type::String,
        SCENARIO_HASH "ScenarioHash": Type::String,
        SCENARIO_VERSION "ScenarioVersion": Type::String,
        SIMULATED "Simulated": Type::Bool,
        SOURCE "Source": Type::Object(source::KIND),
        START_AT "StartAt": Type::String,
        STOP_AT "StopAt": Type::String,
        UUID "UUID": Type::String,
    } methods {
        GET_SCOPE "GetScope"() -> Type::String;
        GET_VALUE "GetValue"() -> Type::String;
        GET_SCENARIO "GetScenario"() -> Type::String;
        GET_EVENTS_COUNT "GetEventsCount"() -> Type::Int;
        GET_META "GetMeta"(Type::String) -> Type::String;
    }
}

object! {
    /// Upstream: `pkg/models`, `Source`; instance = event * 4096 + position in `Sources`, or 2048 + alert for `Alert.Source`.
    pub mod source = 5, "models.Source" {
        AS_NAME "AsName": Type::String,
        AS_NUMBER "AsNumber": Type::String,
        CN "Cn": Type::String,
        IP "IP": Type::String,
        LATITUDE "Latitude": Type::Float,
        LONGITUDE "Longitude": Type::Float,
        RANGE "Range": Type::String,
        SCOPE "Scope": Type::String,
        VALUE "Value": Type::String,
    } methods {
        GET_SCOPE "GetScope"() -> Type::String;
        GET_VALUE "GetValue"() -> Type::String;
        GET_AS_NUMBER_NAME "GetAsNumberName"() -> Type::String;
    }
}

object! {
    /// Upstream: `pkg/models`, `Event`; instance = event * 2^22 + alert * 2^16 + position in `Events`.
    pub mod model_event = 6, "models.Event" {
        META "Meta": Type::array(Type::strings()),
        TIMESTAMP "Timestamp": Type::String,
    } methods {
        GET_META "GetMeta"(Type::String) -> Type::String;
    }
}

object! {
    /// Upstream: `pkg/pipeline`, `AppsecEvent`; empty for log events and overflows.
    pub mod appsec = 7, "types.AppsecEvent" {
        HAS_IN_BAND_MATCHES "HasInBandMatches": Type::Bool,
        HAS_OUT_BAND_MATCHES "HasOutBandMatches": Type::Bool,
        MATCHED_RULES "MatchedRules": Type::Object(matched::KIND),
        VARS "Vars": Type::strings(),
    } methods {
        GET_VAR "GetVar"(Type::String) -> Type::String, reads [];
        GET_URI "GetURI"() -> Type::String, reads [];
        GET_HASH "GetHash"() -> Type::String, reads [];
        GET_VERSION "GetVersion"() -> Type::String, reads [];
        GET_NAME "GetName"() -> Type::String, reads [];
        GET_METHOD "GetMethod"() -> Type::String, reads [];
        GET_RULE_IDS "GetRuleIDs"() -> Type::array(Type::Int), reads [];
        KINDS "Kinds"() -> Type::array(Type::String), reads [];
        GET_MATCHED_ZONES "GetMatchedZones"() -> Type::array(Type::String), reads [];
    }
}

object! {
    /// Upstream: `pkg/pipeline`, `MatchedRules`; empty for log events and overflows.
    pub mod matched = 8, "types.MatchedRules" {
    } methods {
        GET_URI "GetURI"() -> Type::String, reads [];
        GET_HASH "GetHash"() -> Type::String, reads [];
        GET_VERSION "GetVersion"() -> Type::String, reads [];
        GET_NAME "GetName"() -> Type::String, reads [];
        GET_METHOD "GetMethod"() -> Type::String, reads [];
        GET_RULE_IDS "GetRuleIDs"() -> Type::array(Type::Int), reads [];
        KINDS "Kinds"() -> Type::array(Type::String), reads [];
        GET_MATCHED_ZONES "GetMatchedZones"() -> Type::array(Type::String), reads [];
    }
}

object! {
    /// Upstream: `leakybucket/queue.go`.
    pub mod queue = 100, "types.Queue" {
        QUEUE "Queue": Type::array(Type::Object(event::KIND)),
        L "L": Type::Int,
    } methods {
        GET_QUEUE "GetQueue"() -> Type::array(Type::Object(event::KIND));
    }
}

object! {
    /// Upstream: `leakybucket/bucket.go`.
    pub mod leaky = 101, "leakybucket.Leaky" {
        NAME "Name": Type::String,
        MODE "Mode": Type::Int,
        QUEUE "Queue": Type::Object(queue::KIND),
        CAPACITY "Capacity": Type::Int,
        CACHE_SIZE "CacheSize": Type::Int,
        OVFLW_TS "Ovflw_ts": Type::Time,
        FIRST_TS "First_ts": Type::Time,
        LAST_TS "Last_ts": Type::Time,
        TOTAL_COUNT "Total_count": Type::Int,
        LEAKSPEED "Leakspeed": Type::Duration,
        DURATION "Duration": Type::Duration,
        MAPKEY "Mapkey": Type::String,
        REPROCESS "Reprocess": Type::Bool,
    }
}

object! {
    /// Go's `net/http`; empty for log events.
    pub mod request = 102, "http.Request" {
        METHOD "Method": Type::String,
        HOST "Host": Type::String,
        REMOTE_ADDR "RemoteAddr": Type::String,
        REQUEST_URI "RequestURI": Type::String,
        PROTO "Proto": Type::String,
        HEADER "Header": Type::map(Type::array(Type::String)),
    } methods {
        USER_AGENT "UserAgent"() -> Type::String;
        REFERER "Referer"() -> Type::String;
    }
}

/// Returns the declared structures; further kinds must use numbers from 200 on.
pub fn definitions() -> Vec<expr::ObjectDef> {
    vec![
        event::define(),
        line::define(),
        overflow::define(),
        alert::define(),
        source::define(),
        model_event::define(),
        appsec::define(),
        matched::define(),
        queue::define(),
        leaky::define(),
        request::define(),
    ]
}

/// Returns all declared structures, the same for every library of the process.
pub fn objects() -> Arc<Objects> {
    static ALL: OnceLock<Arc<Objects>> = OnceLock::new();
    Arc::clone(ALL.get_or_init(|| Objects::new(definitions())))
}

/// Returns the scheme of parsers, filters and the like: one variable, `evt`.
pub fn scheme() -> Scheme {
    Scheme::new(&objects()).with_object("evt", event::KIND)
}
