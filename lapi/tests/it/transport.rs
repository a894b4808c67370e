//! Ways in besides plain TCP: TLS with client certificates, HTTP/2 with and without it, a unix socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::resolved::{ClientVerification, Tls};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::Running;
use crate::http::{PATIENCE, Response, connect, parse};

/// A certificate authority and what it signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, name: &str, unit: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, unit);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

async fn over_tls(
    lapi: &Running,
    authority: &Authority,
    who: Option<(&str, &str)>,
    request: &str,
) -> (Response, Vec<u8>) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut client = match who {
        Some((name, unit)) => {
            let (certificate, key) = authority.sign(name, unit);
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            builder
                .with_client_auth_cert(vec![certificate.der().clone()], key)
                .unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = connect(lapi.address, None).await;
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    let protocol = stream.get_ref().1.alpn_protocol().unwrap().to_vec();
    (talk(&mut stream, request).await, protocol)
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &str) -> Response {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    drop(read);
    parse(&bytes, false)
}

/// Starts a Local API with a certificate of `authority` that believes those of others; the path is that of the
/// authority's own certificate.
async fn with_tls(authority: &Authority) -> (Running, PathBuf) {
    let (certificate, key) = authority.sign("lapi", "server");
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let file = |name: &str, text: String| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ca_file = file("ca.pem", authority.pem.clone());
    let tls = Tls {
        cert_file: file("cert.pem", certificate.pem()),
        key_file: file("key.pem", key.serialize_pem()),
        server_name: None,
        ca_file: Some(ca_file.clone()),
        client_verification: ClientVerification::VerifyIfGiven,
        agents_allowed_ou: vec!["agent-ou".to_owned()],
        bouncers_allowed_ou: vec!["bouncer-ou".to_owned()],
        crl_file: None,
        cache_expiration: Duration::from_secs(3600),
    };
    let lapi = Running::start_in(Arc::clone(&folder), |settings| settings.server.tls = Some(tls)).await;
    (lapi, ca_file)
}

#[tokio::test]
async fn client_certificates_name_bouncers_and_machines() {
    let authority = Authority::new();
    let (lapi, _) = with_tls(&authority).await;
    let pull = "GET /v1/decisions HTTP/1.1\r\nHost: a\r\nUser-Agent: b/1\r\nConnection: close\r\n\r\n";
    let (answer, protocol) = over_tls(&lapi, &authority, Some(("edge", "bouncer-ou")), pull).await;
    assert_eq!(
        (answer.status, answer.text().as_str(), protocol.as_slice()),
        (200, "null", &b"http/1.1"[..])
    );
    let rows = lapi.api.store.bouncers().await.unwrap();
    assert_eq!(
        (rows[0].name.as_str(), rows[0].auth_type.as_str()),
        ("edge@127.0.0.1", "tls")
    );
    for who in [Some(("edge", "agent-ou")), Some(("edge", "nobody")), None] {
        assert_eq!(
            over_tls(&lapi, &authority, who, pull).await.0.status,
            403,
            "{who:?}"
        );
    }
    let body = r#"{"scenarios":["a"]}"#;
    let login = format!(
        "POST /v1/watchers/login HTTP/1.1\r\nHost: a\r\nUser-Agent: crowdsec/1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(
        over_tls(&lapi, &authority, Some(("node", "agent-ou")), &login)
            .await
            .0
            .status,
        200
    );
    assert_eq!(
        over_tls(&lapi, &authority, Some(("node", "bouncer-ou")), &login)
            .await
            .0
            .status,
        401
    );
    let machine = lapi.api.store.machine("node@127.0.0.1").await.unwrap().unwrap();
    assert_eq!(
        (
            machine.is_validated,
            machine.auth_type.as_str(),
            machine.scenarios.as_str()
        ),
        (true, "tls", "a")
    );
}

#[tokio::test]
async fn curl_is_offered_http_2_over_tls_and_may_stay_with_1_1() {
    let authority = Authority::new();
    let (lapi, ca_file) = with_tls(&authority).await;
    lapi.add_bouncer("fw").await;
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["-s", "-S", "-m", "10", "--noproxy", "*", option, "--cacert"])
            .arg(&ca_file)
            .args([
                "-H",
                "X-Api-Key: probe-key",
                "-w",
                "|%{http_code}|%{http_version}",
            ])
            .arg(format!("https://{}/v1/decisions", lapi.address));
        let output = match curl.output().await {
            Ok(output) => output,
            Err(error) => return println!("skipped: no curl ({error})"),
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, format!("null|200|{version}"), "{option}: {problem}");
    }
}

#[tokio::test]
async fn a_unix_socket_serves_as_loopback_and_is_removed_at_the_stop() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let path = folder.path().join("lapi.sock");
    // Left by a process that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let lapi = Running::start_in(Arc::clone(&folder), |settings| {
        settings.server.listen_socket = Some(path.clone());
    })
    .await;
    lapi.add_bouncer("fw").await;
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let request =
        "GET /v1/decisions HTTP/1.1\r\nHost: a\r\nX-Api-Key: probe-key\r\nConnection: close\r\n\r\n";
    assert_eq!(talk(&mut stream, request).await.text(), "null");
    assert_eq!(
        lapi.api.store.bouncer("fw").await.unwrap().unwrap().ip_address,
        "127.0.0.1"
    );
    lapi.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let lapi = Running::start().await;
    let mut stream = connect(lapi.address, None).await;
    // The preface and an empty SETTINGS frame; the server's own SETTINGS must come back.
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut head = [0; 9];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut head))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(head[3], 4, "not a SETTINGS frame: {head:?}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let authority = Authority::new();
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let root = folder.path().to_owned();
    // As Kubernetes mounts a Secret: files are links through `..data`, which is replaced in one step.
    let put = |version: &str, certificate: &str, key: &str| {
        let dir = root.join(version);
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("tls.crt"), certificate).unwrap();
        std::fs::write(dir.join("tls.key"), key).unwrap();
        std::os::unix::fs::symlink(version, root.join("..tmp")).unwrap();
        std::fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
    };
    let signed = |name: &str| {
        let (certificate, key) = authority.sign(name, "server");
        (certificate.der().to_vec(), certificate.pem(), key.serialize_pem())
    };
    let (first, pem, key) = signed("first");
    put("..1", &pem, &key);
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), root.join(name)).unwrap();
    }
    let tls = Tls {
        cert_file: root.join("tls.crt"),
        key_file: root.join("tls.key"),
        server_name: None,
        ca_file: None,
        client_verification: ClientVerification::None,
        agents_allowed_ou: Vec::new(),
        bouncers_allowed_ou: Vec::new(),
        crl_file: None,
        cache_expiration: Duration::from_secs(3600),
    };
    let lapi = Running::start_in(Arc::clone(&folder), |settings| {
        settings.server.tls = Some(tls);
        settings.limits.certificates = Duration::from_millis(10);
    })
    .await;
    assert_eq!(shown(&lapi, &authority).await, first);
    // A key that belongs to another certificate.
    let (second, pem, key) = signed("second");
    put("..2", &pem, &signed("other").2);
    tokio::time::timeout(Duration::from_millis(200), async {
        while shown(&lapi, &authority).await == first {}
    })
    .await
    .unwrap_err();
    put("..3", &pem, &key);
    tokio::time::timeout(PATIENCE, async {
        while shown(&lapi, &authority).await != second {}
    })
    .await
    .unwrap();
    lapi.stop().await;
}

/// Returns the certificate that the server shows to a new connection.
async fn shown(lapi: &Running, authority: &Authority) -> Vec<u8> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = connector
        .connect(name, connect(lapi.address, None).await)
        .await
        .unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}
