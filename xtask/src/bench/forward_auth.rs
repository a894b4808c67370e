//! forward-auth with many decisions: questions per CPU second of the answering process, and its memory.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::binary::Binary;
use e2e::engine::{Installation, Ports, fetch, free_ports};
use e2e::process::Process;
use e2e::wait;

use crate::bench::process;
use crate::demo::narrate;

const DECISIONS: u32 = 100_000;
/// Connections that ask at once, and questions of each.
const CONNECTIONS: u32 = 8;
const QUESTIONS: u32 = 25_000;
const ROUNDS: usize = 3;

/// Measures it; each answer is checked.
pub(super) fn run() -> Result<()> {
    let binary = Binary::built()?;
    let folder = tempfile::tempdir()?;
    let engine = Installation::create(&binary, &folder.path().join("engine"), free_ports(), "")?;
    engine.register_machine("bench")?;
    let lapi = engine.start(&["-no-cs"], None)?;
    let list = folder.path().join("banned.txt");
    let banned: String = (0..DECISIONS).fold(String::new(), |mut text, n| {
        // Writing to a String cannot fail.
        let _ok = writeln!(text, "{}", banned(n));
        text
    });
    std::fs::write(&list, banned)?;
    let list = list.to_string_lossy();
    engine.cscli(&[
        "decisions",
        "import",
        "-i",
        &list,
        "--format",
        "values",
        "--duration",
        "24h",
    ])?;
    let ports = free_ports();
    let service = start(&binary, &engine, ports, folder.path())?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let before = process::cpu(service.id())?;
        ask_all(ports.api)?;
        let cpu = process::cpu(service.id())?.saturating_sub(before);
        rates.push(f64::from(CONNECTIONS * QUESTIONS) / cpu.as_secs_f64().max(0.01));
    }
    rates.sort_by(f64::total_cmp);
    let [least, middle, most] = rates[..] else {
        bail!("three rounds have three rates");
    };
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id()))?;
    let resident = process::memory(&status, "VmRSS").context("no VmRSS")?;
    narrate::step(&format!(
        "{DECISIONS} decisions, {} questions over {CONNECTIONS} connections, all answers right: \
         {middle:.0} questions per CPU second ({least:.0}–{most:.0}), {} MiB resident",
        CONNECTIONS * QUESTIONS,
        resident / 1024
    ));
    service.terminate(Duration::from_secs(20))?;
    lapi.terminate(Duration::from_secs(20))
}

/// Starts the service and waits until it knows every decision.
fn start(binary: &Binary, engine: &Installation<'_>, ports: Ports, folder: &Path) -> Result<Process> {
    let key = folder.join("key");
    std::fs::write(&key, engine.add_bouncer("bench")?)?;
    let mut command = Command::new(binary.crowdsec());
    command
        .args(["forward-auth", "--trusted-proxies", "127.0.0.1/32", "--lapi-url"])
        .arg(format!("http://127.0.0.1:{}/", engine.ports().api))
        .arg("--api-key-file")
        .arg(&key)
        .args(["--listen", &format!("127.0.0.1:{}", ports.api)])
        .args(["--metrics-listen", &format!("127.0.0.1:{}", ports.metrics)]);
    let mut service = Process::start("forward-auth", command, &folder.join("forward-auth.out"))?;
    let metrics = format!("http://127.0.0.1:{}/metrics", ports.metrics);
    wait::until(
        "all decisions to be known",
        Duration::from_secs(60),
        Duration::from_millis(200),
        || {
            service.check_alive()?;
            let page = fetch(&metrics, &[], None).unwrap_or_default();
            let known: f64 = page
                .lines()
                .filter(|line| line.starts_with("cs_forward_auth_decisions{"))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum();
            Ok((known >= f64::from(DECISIONS)).then_some(()))
        },
    )?;
    Ok(service)
}

/// A banned address.
fn banned(number: u32) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::from(0x0b00_0000 + number)
}

/// Asks over all connections at once; fails at the first wrong answer.
fn ask_all(port: u16) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|connection| scope.spawn(move || ask(port, connection)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(outcome) => outcome?,
                Err(_panic) => bail!("a connection's thread panicked"),
            }
        }
        Ok(())
    })
}

/// Every other question is about a banned client.
fn ask(port: u16, connection: u32) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answer = Vec::new();
    for number in 0..QUESTIONS {
        let (client, expected) = if number % 2 == 0 {
            (banned((connection * QUESTIONS + number) % DECISIONS), "403")
        } else {
            (std::net::Ipv4Addr::from(0xc633_6400 + number % 256), "200")
        };
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: {client}\r\n\r\n"
        )?;
        let status = read_answer(&mut stream, &mut answer)?;
        ensure!(status == expected, "{client} was answered {status}");
    }
    Ok(())
}

/// Reads one answer to its end and tells its status.
fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<String> {
    answer.clear();
    let mut part = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(Ok(0), str::parse::<usize>)?;
            if body.len() >= length {
                let status = head.split(' ').nth(1).unwrap_or_default();
                return Ok(status.to_owned());
            }
        }
        let read = stream.read(&mut part)?;
        ensure!(read > 0, "the connection ended within an answer: {text}");
        answer.extend_from_slice(part.get(..read).unwrap_or_default());
    }
}
