//! `cscli version`.

use crate::context::Context;
use crate::error::Error;
use crate::program;

pub(crate) fn run(ctx: &Context) -> Result<(), Error> {
    let lines = [
        ("version", program::version()),
        ("Platform", std::env::consts::OS.to_owned()),
        ("Architecture", std::env::consts::ARCH.to_owned()),
        ("User-Agent", program::user_agent()),
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
