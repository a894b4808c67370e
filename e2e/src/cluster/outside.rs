//! Hosts on the pretend internet that ask the cluster's ingress, each with an address of its own.

use std::process::Stdio;

use anyhow::{Context, Result};

use super::Own;
use crate::curl::STATUS;
use crate::process::run_command;

/// A host outside the cluster.
#[derive(Debug)]
pub struct Host<'a> {
    cluster: &'a Own,
    address: String,
}

impl<'a> Host<'a> {
    /// Gives the outside network one more address.
    pub fn new(cluster: &'a Own, address: &str) -> Result<Host<'a>> {
        // `replace`: an earlier run may have left it.
        run_command(cluster.outside(
            "ip",
            &["address", "replace", &format!("{address}/32"), "dev", "eth0"],
        ))?;
        Ok(Host {
            cluster,
            address: address.to_owned(),
        })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks for a page; the HTTP status, or why there is none.
    pub fn get(&self, url: &str, headers: &[&str]) -> Result<String> {
        let mut arguments = STATUS.to_vec();
        arguments.extend(["--path-as-is", "--interface", &self.address]);
        for header in headers {
            arguments.extend(["-H", header]);
        }
        arguments.push(url);
        let mut command = self.cluster.outside("curl", &arguments);
        let output = command.stdin(Stdio::null()).output().context("starting curl")?;
        let status = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(if output.status.success() {
            status
        } else {
            "no connection".to_owned()
        })
    }
}
