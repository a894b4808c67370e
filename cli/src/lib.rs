//! `cscli`: the administration tool.
