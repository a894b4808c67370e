//! `config.yaml`, section by section. Upstream: `pkg/csconfig`.

use crate::raw::section;
use crate::secret::Secret;

section! {
    /// The whole file.
    Main {
        /// Logging and what is left of the daemon's settings.
        common: Common,
        /// The listener on 6060.
        prometheus: Prometheus,
        /// The agent.
        crowdsec_service: CrowdsecService,
        /// `cscli`.
        cscli: Cscli,
        /// The database.
        db_config: Database,
        /// Local API, its client, threat intelligence.
        api: Api,
        /// Where everything lies.
        config_paths: Paths,
        /// Whom notification plugins run as.
        plugin_config: Plugins,
    }
}

section! {
    /// `common`.
    Common {
        /// Ignored.
        daemonize: bool,
        /// Ignored.
        pid_dir: String,
        /// `stdout`, `file` or `syslog`.
        log_media: String,
        /// Folder of the log files.
        log_dir: String,
        /// Least severe level that is logged.
        log_level: String,
        /// Ignored.
        working_dir: String,
        /// Whether rotated files are compressed.
        compress_logs: bool,
        /// MiB.
        log_max_size: i64,
        /// Days.
        log_max_age: i64,
        /// Number of rotated files.
        log_max_files: i64,
        /// `text` or `json`.
        log_format: String,
        /// Colours even without a terminal; ignored.
        force_color_logs: bool,
    }
}

section! {
    /// `prometheus`.
    Prometheus {
        /// Whether there is a listener.
        enabled: bool,
        /// `none`, `aggregated` or `full`.
        level: String,
        /// Address of the listener.
        listen_addr: String,
        /// Port of the listener.
        listen_port: i64,
    }
}

section! {
    /// `crowdsec_service`.
    CrowdsecService {
        /// Whether the agent runs.
        enable: bool,
        /// Acquisition file.
        acquisition_path: String,
        /// Folder of acquisition files.
        acquisition_dir: String,
        /// Context file.
        console_context_path: String,
        /// Longest context value in bytes.
        console_context_value_length: i64,
        /// Number of parser workers.
        parser_routines: i64,
        /// Number of bucket workers.
        buckets_routines: i64,
        /// Number of output workers.
        output_routines: i64,
        /// Ignored.
        state_input_file: String,
        /// Ignored.
        state_output_dir: String,
        /// Answers of DNS that are kept.
        dns_cache: DnsCache,
    }
}

section! {
    /// `crowdsec_service.dns_cache`.
    DnsCache {
        /// How long an answer is kept.
        ttl: String,
        /// How long a failure is kept.
        negative_ttl: String,
        /// How many names are kept.
        size: i64,
    }
}

section! {
    /// `cscli`.
    Cscli {
        /// `human`, `json` or `raw`.
        output: String,
        /// `auto`, `yes` or `no`.
        color: String,
        /// Branch of the hub.
        hub_branch: String,
        /// Whether the index is fetched with the content of the items.
        hub_with_content: bool,
        /// Where the hub is.
        #[serde(rename = "__hub_url_template__")]
        hub_url_template: String,
        /// Ignored; follows from `prometheus`.
        prometheus_uri: String,
    }
}

section! {
    /// `db_config`.
    Database {
        /// Least severe level of the database's log lines.
        log_level: String,
        /// `sqlite`, `postgresql`, `pgx` or `mysql`.
        r#type: String,
        /// User.
        user: String,
        /// Password.
        password: Secret,
        /// Name of the database.
        db_name: String,
        /// Host.
        host: String,
        /// Port.
        port: i64,
        /// Mode of encryption.
        sslmode: String,
        /// Certificate authority.
        ssl_ca_cert: String,
        /// Client certificate.
        ssl_client_cert: String,
        /// Client key.
        ssl_client_key: String,
        /// File of SQLite, or socket.
        db_path: String,
        /// Largest number of connections.
        max_open_conns: i64,
        /// Whether SQLite uses a write-ahead log.
        use_wal: bool,
        /// Number of decisions written at once.
        decision_bulk_size: i64,
        /// What is deleted after a while.
        flush: Flush,
    }
}

section! {
    /// `db_config.flush`.
    Flush {
        /// Largest number of alerts.
        max_items: i64,
        /// Greatest age of alerts.
        max_age: String,
        /// Greatest age of usage metrics.
        metrics_max_age: String,
        /// Silent bouncers.
        bouncers_autodelete: Autodelete,
        /// Silent machines.
        agents_autodelete: Autodelete,
    }
}

section! {
    /// `bouncers_autodelete`, `agents_autodelete`.
    Autodelete {
        /// Those with a certificate.
        cert: String,
        /// Bouncers with a key.
        api_key: String,
        /// Machines with a password.
        login_password: String,
    }
}

section! {
    /// `api`.
    Api {
        /// How the agent and `cscli` reach the Local API.
        client: Client,
        /// The Local API.
        server: Server,
        /// Threat intelligence.
        cti: Cti,
    }
}

section! {
    /// `api.client`.
    Client {
        /// `local_api_credentials.yaml`.
        credentials_path: String,
        /// Whether any certificate is accepted.
        insecure_skip_verify: bool,
        /// Whether the machine is deleted at exit.
        unregister_on_exit: bool,
    }
}

section! {
    /// `api.server`.
    Server {
        /// Whether the Local API runs.
        enable: bool,
        /// `host:port`.
        listen_uri: String,
        /// Unix socket.
        listen_socket: String,
        /// Encryption and client certificates.
        tls: Tls,
        /// Least severe level of its log lines.
        log_level: String,
        /// Least severe level of the Polling API's log lines.
        papi_log_level: String,
        /// Whether `X-Forwarded-For` names the client.
        use_forwarded_for_headers: bool,
        /// Proxies that may set it.
        trusted_proxies: Vec<String>,
        /// `profiles.yaml`.
        profiles_path: String,
        /// `console.yaml`.
        console_path: String,
        /// The Central API.
        online_client: OnlineClient,
        /// Addresses with administrative access.
        trusted_ips: Vec<String>,
        /// Whether machines may not register over HTTP.
        disable_remote_lapi_registration: bool,
        /// Whether usage metrics stay here.
        disable_usage_metrics_export: bool,
        /// Deprecated.
        capi_whitelists_path: String,
        /// Machines that register themselves.
        auto_registration: AutoRegistration,
    }
}

section! {
    /// `api.server.tls`.
    Tls {
        /// Certificate.
        cert_file: String,
        /// Key.
        key_file: String,
        /// What is asked of client certificates.
        client_verification: String,
        /// Name of the server.
        server_name: String,
        /// Certificate authority of clients.
        ca_cert_path: String,
        /// Organisational units of machines.
        agents_allowed_ou: Vec<String>,
        /// Organisational units of bouncers.
        bouncers_allowed_ou: Vec<String>,
        /// Revoked certificates.
        crl_path: String,
        /// How long a revocation check is kept.
        cache_expiration: String,
    }
}

section! {
    /// `api.server.auto_registration`.
    AutoRegistration {
        /// Whether machines register themselves.
        enabled: bool,
        /// What they show.
        token: Secret,
        /// Where they come from.
        allowed_ranges: Vec<String>,
    }
}

section! {
    /// `api.server.online_client`.
    OnlineClient {
        /// `online_api_credentials.yaml`.
        credentials_path: String,
        /// Whether signals are sent.
        sharing: bool,
        /// What is pulled.
        pull: Pull,
    }
}

section! {
    /// `api.server.online_client.pull`.
    Pull {
        /// The community blocklist.
        community: bool,
        /// Other blocklists.
        blocklists: bool,
    }
}

section! {
    /// `api.cti`.
    Cti {
        /// Key.
        key: Secret,
        /// Whether it is asked.
        enabled: bool,
        /// How long an answer is kept.
        cache_timeout: String,
        /// How many answers are kept.
        cache_size: i64,
        /// Least severe level of its log lines.
        log_level: String,
    }
}

section! {
    /// `config_paths`.
    Paths {
        /// Installed items and the other files.
        config_dir: String,
        /// Database, data files.
        data_dir: String,
        /// `simulation.yaml`.
        simulation_path: String,
        /// Downloaded items.
        hub_dir: String,
        /// Index of the hub.
        index_path: String,
        /// Notification files.
        notification_dir: String,
        /// Notification plugins.
        plugin_dir: String,
        /// Grok patterns.
        pattern_dir: String,
    }
}

section! {
    /// `plugin_config`.
    Plugins {
        /// User.
        user: String,
        /// Group.
        group: String,
    }
}
