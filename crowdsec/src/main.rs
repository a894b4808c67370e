//! The one multi-call binary: `crowdsec` or `cscli`, by its name or its first argument.
fn main() {}
