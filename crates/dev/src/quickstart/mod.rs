//! `cargo quickstart`: everything on this machine with one command. It builds, writes the configuration, makes a first user,
//! starts the three programs, and says what to paste where.

mod data;
mod ready;

use std::convert::Infallible;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Args;

use crate::children::{Failure, Interrupts, Services};
use crate::http::{self, Address};
use crate::terminal;
use crate::workspace;

use data::{DataDirectory, Ports};
use ready::Ready;

const EXAMPLES: &str = "\
Examples:
  cargo quickstart
      Protects the demo MCP server at http://127.0.0.1:8080/mcp
  cargo quickstart --upstream http://127.0.0.1:3000/mcp
      Protects your own MCP server instead. It needs no change, and no knowledge of OAuth
  cargo quickstart --json 2>/dev/null
      Prints one line {\"mcp_url\",\"issuer\",\"username\",\"password\"} when ready, for scripts

The data directory keeps users, clients, grants and keys from run to run; delete it to start over. It also holds the
generated configuration of both servers and their logs. One more person who may sign in:
  target/debug/gatelodge user add NAME --config .quickstart/gatelodge.toml

This is for trying things out on one machine: plain http on the loopback address, not reachable from elsewhere.";

/// Build everything and start it here: authorization server, sidecar, and a demo MCP server behind them.
///
/// Creates a first user, prints the MCP URL, the sign-in and the lines to paste into an MCP client, then runs until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The port that MCP clients connect to, on 127.0.0.1. It is part of the MCP URL, and so of what clients remember.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Where the database, the keys, the configuration and the logs are kept. [default: .quickstart in this checkout]
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Your own MCP server (Streamable HTTP), with its path. Without it, a small demo server is started.
    #[arg(long, value_name = "URL", value_parser = parse_upstream)]
    upstream: Option<Upstream>,
    /// Who may sign in. A name that is new gets a new password.
    #[arg(long, value_name = "NAME", default_value = "demo", value_parser = parse_username)]
    username: String,
    /// Print one line of JSON on standard output when ready, for scripts. Progress stays on standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone)]
struct Upstream {
    url: String,
    address: Address,
}

fn parse_upstream(text: &str) -> Result<Upstream, String> {
    let address = Address::parse(text).ok_or("write it in full, for instance http://127.0.0.1:3000/mcp")?;
    Ok(Upstream { url: text.to_owned(), address })
}

fn parse_username(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    let good = !text.is_empty() && text.len() <= 64 && text.chars().all(plain) && !text.starts_with('-');
    good.then(|| text.to_ascii_lowercase()).ok_or_else(|| "use letters, digits and . _ @ + -".to_owned())
}

pub fn run(options: &Options) -> ExitCode {
    let mut ready = false;
    let Err(failure) = start_and_watch(options, &mut ready);
    match failure {
        Failure::Interrupted if ready => {
            terminal::done("Stopped. Run it again to go on with the same users, clients and keys.");
            ExitCode::SUCCESS
        }
        Failure::Interrupted => {
            terminal::error("stopped before it was ready");
            ExitCode::from(130)
        }
        Failure::Because(text) => {
            terminal::error(&text);
            ExitCode::FAILURE
        }
    }
}

/// Runs until something ends it; the programs are stopped by then.
fn start_and_watch(options: &Options, is_ready: &mut bool) -> Result<Infallible, Failure> {
    let interrupts = Interrupts::listen().map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    // Everything that can be refused is refused before the long wait of a first build.
    check_port(options)?;
    let data = DataDirectory::open(&directory(options)?)?;
    terminal::title("Gatelodge quickstart");
    if let Some(upstream) = &options.upstream {
        check_upstream(upstream);
    }
    build(&interrupts, options.upstream.is_none())?;

    let mut services = Services::new(&interrupts, data.path())
        .map_err(|error| format!("cannot use {}: {error}", data.path().display()))?;
    let ready = start(options, &data, &mut services)?;
    ready.print(options.json).map_err(|error| format!("cannot write to standard output: {error}"))?;
    *is_ready = true;
    let end = services.watch();
    if matches!(end, Failure::Interrupted) {
        // The terminal has just written ^C.
        eprintln!();
        terminal::working("Stopping");
    }
    Err(end)
}

fn directory(options: &Options) -> Result<PathBuf, Failure> {
    match &options.data_dir {
        Some(directory) => std::path::absolute(directory)
            .map_err(|error| format!("--data-dir {}: {error}", directory.display()).into()),
        None => Ok(workspace::root().join(".quickstart")),
    }
}

fn check_port(options: &Options) -> Result<(), Failure> {
    let port = options.port;
    let upstream = options.upstream.as_ref().map(|upstream| &upstream.address);
    let own = upstream.is_some_and(|address| address.is_this_machine() && address.port == port);
    let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
        return if own {
            Err(format!("--upstream is where the quickstart itself would listen, port {port}").into())
        } else {
            Ok(())
        };
    };
    let other = (port..=u16::MAX).skip(1).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    let hint = other
        .map_or_else(String::new, |other| format!("\n  hint: choose another one: cargo quickstart --port {other}"));
    let says = match error.kind() {
        std::io::ErrorKind::AddrInUse if own => {
            format!("port {port} is where your own MCP server listens, and clients need a port of their own{hint}")
        }
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} on 127.0.0.1 is in use by another program, perhaps another quickstart{hint}")
        }
        _ => format!("cannot listen on 127.0.0.1, port {port}: {error}{hint}"),
    };
    Err(says.into())
}

/// Only warns: the server may be started later.
fn check_upstream(upstream: &Upstream) {
    let url = &upstream.url;
    let later = "Going on: calls fail with 502 until it answers; no restart is needed then.";
    if let Err(error) = upstream.address.connect() {
        terminal::warning(&format!("nothing answers at {url} ({error})"), later);
    } else if !upstream.address.secure {
        match http::get(url) {
            Ok(response) if response.status == 404 => terminal::warning(
                &format!("{url} answers 404: is the path right?"),
                "Many MCP servers listen on /mcp. Going on all the same.",
            ),
            Ok(_) => terminal::done(&format!("Your MCP server answers at {url}")),
            Err(error) => terminal::warning(&format!("{url} does not answer as an HTTP server ({error})"), later),
        }
    }
}

fn build(interrupts: &Interrupts, with_demo: bool) -> Result<(), Failure> {
    if workspace::binaries().join("gatelodge").exists() {
        terminal::working("Bringing the build up to date");
    } else {
        terminal::working("Building. The first time takes 5 to 10 minutes on two cores; after that, seconds");
    }
    let started = Instant::now();
    let mut arguments = vec!["build", "--package", "gatelodge", "--package", "gatelodge-sidecar", "--bins"];
    if with_demo {
        arguments.extend(["--package", "gatelodge-e2e", "--example", "notes_server"]);
    }
    let status = interrupts.run(&mut workspace::cargo(&arguments))?;
    if !status.success() {
        return Err("the build failed: see the messages above\n  hint: a linker or `cc` that is missing comes with Debian's package build-essential".to_owned().into());
    }
    terminal::done(&format!("Built ({})", terminal::took(started.elapsed())));
    Ok(())
}

fn start(options: &Options, data: &DataDirectory, services: &mut Services) -> Result<Ready, Failure> {
    let upstream = match &options.upstream {
        Some(upstream) => upstream.url.clone(),
        None => {
            let url = services.start("notes_server", &mut program("examples/notes_server"), listening_address)?;
            terminal::done(&format!("Demo MCP server       {url}"));
            url
        }
    };
    let ports = Ports::choose(options.port).map_err(|error| format!("no port is free on 127.0.0.1: {error}"))?;
    // Not "localhost": that name may lead to ::1, where another program may listen, and browsers share its cookies and
    // stored https rules between everything that was ever developed on this machine. An address is only itself
    // (RFC 8252 §8.3), and it is the same bytes in issuer, resource and metadata.
    let issuer = format!("http://127.0.0.1:{}", options.port);
    let mcp_url = format!("{issuer}/mcp");
    data.write_configuration(&issuer, &mcp_url, &upstream, options.upstream.is_none(), &ports)?;
    let (authserver_config, sidecar_config) = (data.path().join("gatelodge.toml"), data.path().join("sidecar.toml"));

    let (password, new) = data.sign_in(&program("gatelodge"), &authserver_config, &options.username)?;
    terminal::done(&format!("User {} ({})", options.username, if new { "new" } else { "kept from before" }));

    let mut serve = |name: &'static str, config: &Path, health: u16| {
        let mut command = program(name);
        command.arg("serve").arg("--config").arg(config);
        services.start(name, &mut command, |_| is_ready(health).then_some(()))
    };
    serve("gatelodge", &authserver_config, ports.authserver_health)?;
    terminal::done(&format!("Authorization server  behind {issuer}"));
    serve("gatelodge-sidecar", &sidecar_config, ports.sidecar_health)?;
    terminal::done(&format!("Sidecar               {mcp_url}"));

    let (username, demo) = (options.username.clone(), options.upstream.is_none());
    Ok(Ready { mcp_url, issuer, username, password, demo, upstream, data: data.path().to_owned() })
}

fn program(name: &str) -> Command {
    Command::new(workspace::binaries().join(name))
}

fn listening_address(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    // A line that is still being written has no end yet.
    let complete = text.rsplit_once('\n')?.0;
    complete.lines().find_map(|line| line.strip_prefix("listening on ")).map(str::to_owned)
}

fn is_ready(port: u16) -> bool {
    http::get(&format!("http://127.0.0.1:{port}/health/ready")).is_ok_and(|response| response.status == 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(port: u16, upstream: Option<&str>) -> Options {
        let upstream = upstream.map(|url| parse_upstream(url).expect("a URL"));
        Options { port, data_dir: None, upstream, username: "demo".into(), json: false }
    }

    fn refusal(options: &Options) -> String {
        match check_port(options) {
            Err(Failure::Because(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_busy_port_is_named_with_the_flag_to_use() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let says = refusal(&options(port, None));
        assert!(says.contains(&format!("port {port} on 127.0.0.1 is in use")), "{says}");
        assert!(says.contains("cargo quickstart --port "), "{says}");
        let says = refusal(&options(port, Some(&format!("http://localhost:{port}/mcp"))));
        assert!(says.contains("where your own MCP server listens"), "{says}");
        drop(listener);
        assert!(check_port(&options(port, None)).is_ok());
        let says = refusal(&options(port, Some(&format!("http://127.0.0.1:{port}/mcp"))));
        assert!(says.contains("where the quickstart itself would listen"), "{says}");
    }

    #[test]
    fn user_names_are_those_that_the_authorization_server_takes() {
        assert_eq!(parse_username("Ada@example.com"), Ok("ada@example.com".to_owned()));
        for text in ["", "-x", "a b", "ä", &"x".repeat(65)] {
            assert!(parse_username(text).is_err(), "{text:?}");
        }
    }
}
