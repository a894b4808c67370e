//! `cscli version`, and how this program calls itself elsewhere.

use crate::context::Context;
use crate::error::Error;

/// The version with its `v`, as upstream prints it.
pub(crate) fn text() -> String {
    format!("v{}", env!("CARGO_PKG_VERSION"))
}

/// The User-Agent of every request.
pub(crate) fn user_agent() -> String {
    client::transport::user_agent(env!("CARGO_PKG_VERSION"), std::env::consts::OS)
}

pub(crate) fn run(ctx: &Context) -> Result<(), Error> {
    let lines = [
        ("version", text()),
        ("Platform", std::env::consts::OS.to_owned()),
        ("Architecture", std::env::consts::ARCH.to_owned()),
        ("User-Agent", user_agent()),
        ("Constraint_parser", ">= 1.0, <= 3.0".to_owned()),
        ("Constraint_scenario", ">= 1.0, <= 3.0".to_owned()),
        ("Constraint_api", "v1".to_owned()),
        ("Constraint_acquis", ">= 1.0, < 2.0".to_owned()),
        (
            "Built-in optional components",
            "datasource_file, db_sqlite".to_owned(),
        ),
    ];
    lines
        .iter()
        .try_for_each(|(name, value)| ctx.out.print(&format!("{name}: {value}\n")))
}
