//! `curl`, asked for nothing but the HTTP status of a page.

/// Words that let it print the status alone, after two seconds at most, past any proxy of this machine.
pub const STATUS: [&str; 9] = [
    "-sS",
    "-m",
    "2",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "--noproxy",
    "*",
];
