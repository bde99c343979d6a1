//! Messages to people by SMTP (RFC 5321), by the real program: what goes over the wire, what is kept private and how, and what whoever
//! sets it up is told when it does not work.

use std::net::TcpListener;
use std::process::Output;

use gatelodge_e2e::mail_server::{Encryption, Mail, MailServer};

use crate::support::binary::Workplace;
use crate::support::{ISSUER, ONE_RESOURCE};

const SIGNED_IN: &str = "username = \"gate\"\npassword = \"hunter2hunter2\"";

fn workplace(email: &str) -> Workplace {
    let url = "sqlite://DIRECTORY/gatelodge.db";
    Workplace::new(&format!("public_url = \"{ISSUER}\"\n[database]\nurl = \"{url}\"\n{ONE_RESOURCE}\n{email}\n"))
}

/// Trusts `server`, and nobody else.
fn test_message(server: &MailServer, more: &str) -> Output {
    let workplace = workplace(&server.toml(more));
    workplace.write("ca.pem", &server.certificate, 0o644);
    let ca = workplace.path().join("ca.pem").display().to_string();
    workplace.run(&["email", "test", "--to", "ada@example.org"], &[("SSL_CERT_FILE", &ca)])
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

#[track_caller]
fn the_only_message(server: &MailServer) -> Mail {
    let taken = server.taken();
    assert_eq!(taken.len(), 1, "{taken:?} {:?}", server.commands());
    taken[0].clone()
}

/// Proves RFC 5322 §3.6: a message says who it is from, who it is for, when it was written, and which one it is.
/// Proves RFC 3834 §5: a message says that no person wrote it.
#[test]
fn a_test_message_is_plain_text_in_the_language_that_was_asked_for() {
    let server = MailServer::start();
    let place = workplace(&server.toml(""));
    let sent = place.run(&["email", "test", "--to", "ada@example.org", "--language", "de"], &[]);
    assert!(sent.status.success() && said(&sent).contains("took a message to ada@example.org"), "{}", said(&sent));
    let mail = the_only_message(&server);
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("gate@example.com", "ada@example.org"));
    for header in [
        "From: Gatelodge <gate@example.com>",
        "To: ada@example.org",
        "Subject: Gatelodge: Testnachricht",
        "Content-Type: text/plain; charset=utf-8",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Date: ",
        "Message-ID: <",
    ] {
        assert!(mail.headers.lines().any(|line| line.starts_with(header)), "{header}: {}", mail.headers);
    }
    assert!(mail.text.contains(ISSUER) && mail.text.contains("Wenn Sie dies lesen"), "{}", mail.text);
    assert!(server.commands()[0].eq_ignore_ascii_case("EHLO mcp.example.com"), "{:?}", server.commands());
}

/// Proves RFC 8314 §3.3 and RFC 3207 §4: the mail server proves who it is before it hears a password or a message.
#[test]
fn a_mail_server_that_proves_itself_gets_the_password_and_the_message_and_no_other_does() {
    for encryption in [Encryption::Wrapper, Encryption::Starttls] {
        let server = MailServer::with(encryption);
        let sent = test_message(&server, SIGNED_IN);
        assert!(sent.status.success(), "{}", said(&sent));
        let mail = the_only_message(&server);
        assert!(mail.encrypted, "{mail:?}");
        assert_eq!(mail.authenticated.as_deref(), Some("gate hunter2hunter2"));
        let stranger = MailServer::with(encryption);
        let (trusting_another, ca) = (workplace(&stranger.toml(SIGNED_IN)), server.certificate.clone());
        trusting_another.write("ca.pem", &ca, 0o644);
        let ca = trusting_another.path().join("ca.pem").display().to_string();
        let refused =
            trusting_another.run(&["email", "test", "--to", "ada@example.org"], &[("SSL_CERT_FILE", ca.as_str())]);
        assert!(!refused.status.success() && said(&refused).contains("SSL_CERT_FILE"), "{}", said(&refused));
        assert!(!stranger.commands().iter().any(|line| line.contains("AUTH")), "{:?}", stranger.commands());
        assert_eq!(stranger.taken().len(), 0);
    }
}

/// Proves RFC 3207 §6: whoever sits between cannot take the offer of TLS away.
#[test]
fn without_the_offer_of_tls_nothing_is_said() {
    let server = MailServer::start();
    let clear = workplace(&server.toml(SIGNED_IN).replace("tls = \"none\"", "tls = \"starttls\""));
    let refused = clear.run(&["email", "test", "--to", "ada@example.org"], &[]);
    assert!(!refused.status.success() && said(&refused).contains("STARTTLS"), "{}", said(&refused));
    let commands = server.commands();
    assert!(commands.iter().all(|line| line.starts_with("EHLO") || line.starts_with("QUIT")), "{commands:?}");
}

/// Proves RFC 5321 §4.2.1: what a mail server answers is told to whoever has to mend it, and what may pass is told apart.
#[test]
fn what_the_mail_server_says_is_told_with_what_to_do() {
    let answering = |command: &'static str, reply: &'static str| {
        MailServer::that(move |line| line.starts_with(command).then(|| reply.to_owned()))
    };
    for (command, reply, hint) in [
        ("AUTH", "535 5.7.8 not you", "email.username"),
        ("MAIL", "550 5.7.1 not from there", "email.from"),
        ("RCPT", "550 5.1.1 no such person", "this address"),
        ("RCPT", "451 4.7.1 greylisted", "some minutes"),
        ("DATA", "554 5.7.1 no relaying", "email.from"),
    ] {
        let server = answering(command, reply);
        let refused = test_message(&server, SIGNED_IN);
        let said = said(&refused);
        let (code, words) = reply.split_once(' ').expect("a code and words");
        assert!(!refused.status.success(), "{reply}: {said}");
        for part in [code, words, hint, "hint:", "localhost:"] {
            assert!(said.contains(part), "{reply}: {part} is missing in {said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a free port").port();
    let nobody = format!("[email]\nhost = \"localhost\"\nport = {port}\ntls = \"none\"\nfrom = \"a@example.com\"");
    let refused = workplace(&nobody).run(&["email", "test", "--to", "ada@example.org"], &[]);
    assert!(!refused.status.success() && said(&refused).contains("email.host"), "{}", said(&refused));
    let refused = workplace("").run(&["email", "test", "--to", "ada@example.org"], &[]);
    assert!(!refused.status.success() && said(&refused).contains("[email]"), "{}", said(&refused));
    let refused = workplace("").run(&["email", "test", "--to", "ada"], &[]);
    assert!(!refused.status.success(), "{}", said(&refused));
}
