//! Real programs around the engine: a web server, an SSH server with its syslog daemon, and bouncers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::netns::Namespace;
use crate::packages::Root;
use crate::process::{Process, run};
use crate::wait;

/// Debian's nginx on one port, logging to `access.log` below its folder.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    access_log: PathBuf,
}

impl Nginx {
    /// Starts nginx in the foreground; `trust_forwarded` takes the client's address from `X-Forwarded-For`, as behind a proxy.
    pub fn start(
        folder: &Path,
        listen: &str,
        namespace: Option<&Namespace>,
        trust_forwarded: bool,
    ) -> Result<Nginx> {
        let root = nginx()?;
        let www = folder.join("www");
        for below in ["www", "tmp"] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        std::fs::write(www.join("index.html"), "<h1>Welcome</h1>\n")?;
        let access_log = folder.join("access.log");
        let config = folder.join("nginx.conf");
        std::fs::write(&config, nginx_config(folder, listen, trust_forwarded))?;
        let mut command = root.command("usr/sbin/nginx");
        command
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&config);
        let command = namespace.map_or_else(|| copy(&command), |ns| ns.wrap(&command));
        let mut process = Process::start("nginx", command, &folder.join("nginx.out"))?;
        wait::until(
            "nginx to open its log",
            wait::PATIENCE,
            Duration::from_millis(10),
            || {
                process.check_alive()?;
                Ok(folder.join("nginx.pid").exists().then_some(()))
            },
        )?;
        Ok(Nginx { process, access_log })
    }

    /// The access log it writes.
    pub fn access_log(&self) -> &Path {
        &self.access_log
    }

    /// Ends it in an orderly way.
    pub fn stop(self) -> Result<()> {
        self.process.terminate(wait::PATIENCE)
    }
}

fn nginx_config(folder: &Path, listen: &str, trust_forwarded: bool) -> String {
    let folder = folder.display();
    let user = if crate::packages::is_root() {
        "user root;\n"
    } else {
        ""
    };
    let real_ip = if trust_forwarded {
        "set_real_ip_from 127.0.0.0/8;\n    real_ip_header X-Forwarded-For;"
    } else {
        ""
    };
    format!(
        "{user}daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    error_log {folder}/error.log;
    client_body_temp_path {folder}/tmp/body;
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    {real_ip}
    server {{
        listen {listen};
        root {folder}/www;
    }}
}}
"
    )
}

/// OpenSSH's server and a syslog daemon in a mount namespace of their own, logging to `auth.log`.
#[derive(Debug)]
pub struct Sshd {
    process: Process,
    auth_log: PathBuf,
}

impl Sshd {
    /// Starts both; needs root. The private `/dev`, `/run` and `/etc/passwd` are seen by these two programs only.
    pub fn start(folder: &Path, port: u16, namespace: &Namespace) -> Result<Sshd> {
        let root = Root::unpacked("sshd", &["openssh-server", "inetutils-syslogd", "libwrap0"])?;
        std::fs::create_dir_all(folder)?;
        let auth_log = folder.join("auth.log");
        std::fs::write(&auth_log, "")?;
        let host_key = folder.join("host_key");
        let key_path = host_key.to_string_lossy().into_owned();
        run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", &key_path])?;
        std::fs::write(
            folder.join("syslog.conf"),
            format!("auth,authpriv.*\t{}\n", auth_log.display()),
        )?;
        std::fs::write(
            folder.join("sshd_config"),
            format!("Port {port}\nHostKey {key_path}\nPidFile none\nUsePAM no\n"),
        )?;
        let script = folder.join("start.sh");
        std::fs::write(&script, SSHD_SCRIPT)?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--kill-child", "--pid", "--fork", "sh"])
            .arg(&script);
        command
            .env("FOLDER", folder)
            .env("LD_LIBRARY_PATH", root.library_path());
        command
            .env("SYSLOGD", root.path("usr/sbin/syslogd"))
            .env("SSHD", root.path("usr/sbin/sshd"));
        let mut process = Process::start("sshd", namespace.wrap(&command), &folder.join("sshd.out"))?;
        wait::until(
            "sshd to listen",
            wait::PATIENCE,
            Duration::from_millis(20),
            || {
                process.check_alive()?;
                let log = std::fs::read_to_string(&auth_log).unwrap_or_default();
                Ok(log.contains("Server listening").then_some(()))
            },
        )?;
        Ok(Sshd { process, auth_log })
    }

    /// The log the syslog daemon writes.
    pub fn auth_log(&self) -> &Path {
        &self.auth_log
    }

    /// Ends both programs.
    pub fn stop(mut self) -> Result<()> {
        self.process.kill()
    }
}

/// sshd wants `/dev/log`, `/run/sshd` and a user `sshd`; all three are made where nobody else sees them.
const SSHD_SCRIPT: &str = r#"set -e
mkdir -p "$FOLDER/dev/pts" "$FOLDER/dev/shm"
for node in null zero full random urandom tty ptmx; do
  [ -e "/dev/$node" ] || continue
  : > "$FOLDER/dev/$node"
  mount --bind "/dev/$node" "$FOLDER/dev/$node"
done
mount --rbind "$FOLDER/dev" /dev
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
grep -v '^sshd:' /etc/passwd > "$FOLDER/passwd"
echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >> "$FOLDER/passwd"
mount --bind "$FOLDER/passwd" /etc/passwd
"$SYSLOGD" -n -f "$FOLDER/syslog.conf" -P "$FOLDER/syslogd.pid" -p /dev/log &
while [ ! -S /dev/log ]; do sleep 0.05; done
exec "$SSHD" -D -f "$FOLDER/sshd_config"
"#;

/// One of Debian's Go bouncers, with its configuration below a folder.
#[derive(Debug)]
pub struct Bouncer {
    process: Process,
}

impl Bouncer {
    /// Starts `crowdsec-firewall-bouncer` with nftables in `namespace`, asking every `interval`.
    pub fn firewall(
        folder: &Path,
        api: u16,
        key: &str,
        interval: &str,
        namespace: &Namespace,
    ) -> Result<Bouncer> {
        let root = bouncers()?;
        std::fs::create_dir_all(folder)?;
        let config = folder.join("firewall.yaml");
        std::fs::write(&config, firewall_config(folder, api, key, interval))?;
        let mut command = root.command("usr/bin/crowdsec-firewall-bouncer");
        command.arg("-c").arg(&config);
        let process = Process::start(
            "crowdsec-firewall-bouncer",
            namespace.wrap(&command),
            &folder.join("firewall.out"),
        )?;
        Ok(Bouncer { process })
    }

    /// Starts `crowdsec-custom-bouncer`, which calls a script with each order; the orders stand in `orders.txt`.
    pub fn custom(folder: &Path, api: u16, key: &str, interval: &str) -> Result<Bouncer> {
        use std::os::unix::fs::PermissionsExt as _;
        let root = bouncers()?;
        std::fs::create_dir_all(folder)?;
        let script = folder.join("order.sh");
        std::fs::write(
            &script,
            format!(
                "#!/bin/sh\necho \"$@\" >> {}\n",
                folder.join("orders.txt").display()
            ),
        )?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        let config = folder.join("custom.yaml");
        std::fs::write(&config, custom_config(folder, &script, api, key, interval))?;
        let mut command = root.command("usr/bin/crowdsec-custom-bouncer");
        command.arg("-c").arg(&config);
        let process = Process::start("crowdsec-custom-bouncer", command, &folder.join("custom.out"))?;
        Ok(Bouncer { process })
    }

    /// Fails when it has ended, with what it printed.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.check_alive()
    }

    /// Ends it in an orderly way, so that it takes its rules away.
    pub fn stop(self) -> Result<()> {
        self.process.terminate(wait::PATIENCE)
    }
}

/// Debian's nginx, unpacked.
pub fn nginx() -> Result<Root> {
    Root::unpacked("nginx", &["nginx", "libpcre2-8-0"]).context("fetching Debian's nginx")
}

/// Debian's firewall and custom bouncers, unpacked.
pub fn bouncers() -> Result<Root> {
    Root::unpacked(
        "bouncers",
        &["crowdsec-firewall-bouncer", "crowdsec-custom-bouncer"],
    )
    .context("fetching Debian's bouncers")
}

/// Debian's `crowdsec` and `cscli` 1.4.6 with their hub snapshot, unpacked.
pub fn upstream() -> Result<Root> {
    Root::unpacked("crowdsec", &["crowdsec"]).context("fetching Debian's crowdsec")
}

fn firewall_config(folder: &Path, api: u16, key: &str, interval: &str) -> String {
    let folder = folder.display();
    format!(
        "mode: nftables
pid_dir: {folder}
update_frequency: {interval}
log_mode: stdout
log_level: info
api_url: http://127.0.0.1:{api}/
api_key: {key}
deny_action: DROP
supported_decisions_types: [ban]
blacklists_ipv4: crowdsec-blacklists
blacklists_ipv6: crowdsec6-blacklists
nftables:
  ipv4: {{enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain}}
  ipv6: {{enabled: true, set-only: false, table: crowdsec6, chain: crowdsec6-chain}}
prometheus: {{enabled: false, listen_addr: 127.0.0.1, listen_port: 60601}}
"
    )
}

fn custom_config(folder: &Path, script: &Path, api: u16, key: &str, interval: &str) -> String {
    format!(
        "bin_path: {script}
feed_via_stdin: false
total_retries: 0
scenarios_containing: []
scenarios_not_containing: []
origins: []
piddir: {folder}
update_frequency: {interval}
cache_retention_duration: 10s
daemonize: false
log_mode: stdout
log_level: info
api_url: http://127.0.0.1:{api}/
api_key: {key}
prometheus: {{enabled: false, listen_addr: 127.0.0.1, listen_port: 60602}}
",
        script = script.display(),
        folder = folder.display(),
    )
}

fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            copy.env(key, value);
        }
    }
    copy
}
