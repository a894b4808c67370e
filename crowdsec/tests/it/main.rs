//! The binary as its users meet it: command line, exit codes, life, and what it says about broken files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where its set-up fails"
)]

mod base;
mod broken;
mod command_line;
mod life;
