//! `cscli` alone, so that tests of the command line need not link the whole multi-call program.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
