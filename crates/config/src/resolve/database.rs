//! `db_config`. Upstream: `pkg/csconfig/database.go`, `pkg/database/database.go`, `flush.go`.

use std::time::Duration;

use crate::raw::main as raw;
use crate::resolve::{Findings, count};
use crate::resolved::database::{Autodelete, Database, Engine, Flush, Remote};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) fn resolve(mut raw: raw::Database, found: &mut Findings<'_>) -> Option<Database> {
    let log_level = found.level("db_config.log_level", raw.log_level.as_deref());
    let flush = raw.flush.take().map(|section| flush(section, found));
    let max_connections = count(raw.max_open_conns, 100);
    let bulk_size = count(raw.decision_bulk_size, 1000);
    let engine = engine(raw, found)?;
    Some(Database {
        engine,
        log_level,
        max_connections,
        bulk_size,
        flush,
    })
}

fn engine(raw: raw::Database, found: &mut Findings<'_>) -> Option<Engine> {
    let path = found.path("db_config.db_path", raw.db_path.clone());
    match raw.r#type.as_deref().unwrap_or_default() {
        "sqlite" => {
            if path.is_none() {
                let cure = "name the file, it is made if absent";
                found.problem("db_config.db_path", "no database file given", cure);
            }
            let wal = raw.use_wal;
            path.map(|path| Engine::Sqlite { path, wal })
        }
        "postgres" | "postgresql" | "pgx" => Some(Engine::Postgres(remote(raw, found))),
        "mysql" => Some(Engine::Mysql(remote(raw, found))),
        other => {
            let message = format!("unknown database type '{other}'");
            found.problem("db_config.type", message, "use sqlite, postgresql, pgx or mysql");
            None
        }
    }
}

fn remote(raw: raw::Database, found: &mut Findings<'_>) -> Remote {
    Remote {
        host: raw.host.unwrap_or_default(),
        port: found.port("db_config.port", raw.port).unwrap_or(0),
        user: raw.user.unwrap_or_default(),
        password: raw.password.unwrap_or_default(),
        name: raw.db_name.unwrap_or_default(),
        ssl_mode: raw.sslmode.unwrap_or_default(),
        socket: found.path("db_config.db_path", raw.db_path),
        ca_cert: found.path("db_config.ssl_ca_cert", raw.ssl_ca_cert),
        client_cert: found.path("db_config.ssl_client_cert", raw.ssl_client_cert),
        client_key: found.path("db_config.ssl_client_key", raw.ssl_client_key),
    }
}

fn flush(raw: raw::Flush, found: &mut Findings<'_>) -> Flush {
    let max_items = raw.max_items.and_then(|number| {
        let items = u64::try_from(number).ok().filter(|items| *items > 0);
        if items.is_none() {
            let cure = "use a number above 0 or remove the key";
            found.problem(
                "db_config.flush.max_items",
                "max_items can't be zero or negative",
                cure,
            );
        }
        items
    });
    let metrics = found.days("db_config.flush.metrics_max_age", raw.metrics_max_age.as_deref());
    Flush {
        max_items,
        max_age: found.days("db_config.flush.max_age", raw.max_age.as_deref()),
        metrics_max_age: metrics.unwrap_or(WEEK),
        bouncers: autodelete(
            "bouncers_autodelete",
            &raw.bouncers_autodelete.unwrap_or_default(),
            found,
        ),
        machines: autodelete(
            "agents_autodelete",
            &raw.agents_autodelete.unwrap_or_default(),
            found,
        ),
    }
}

fn autodelete(section: &str, raw: &raw::Autodelete, found: &mut Findings<'_>) -> Autodelete {
    let field = |key: &str| format!("db_config.flush.{section}.{key}");
    let certificate = found.days(&field("cert"), raw.cert.as_deref());
    let key = found.days(&field("api_key"), raw.api_key.as_deref());
    let password = found.days(&field("login_password"), raw.login_password.as_deref());
    let secret = if section == "bouncers_autodelete" {
        key
    } else {
        password
    };
    Autodelete { certificate, secret }
}
