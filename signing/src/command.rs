//! A signer that is a command: what is to be signed goes to its standard input as JSON, and the signature comes from
//! its standard output.
//!
//! The command is split into words as a shell does, and run without one. It inherits the environment and the terminal,
//! so that it can ask its user for consent or a passphrase. Nothing that it writes is repeated, except for the first
//! line of its standard error if it fails, from which everything that may be a key is taken.

use std::{
    io::{self, Read, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::hex;
use surety_core::ident::{EvmAddress, HexBytes};
use surety_verifier::attestation::{
    signature::SignatureBytes,
    signer::{Signable, Signer, SignerError},
};

/// How long a command may take: people may have to look at what they sign.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long what it has written is waited for once it has ended; it may have left a process behind.
const REST: Duration = Duration::from_secs(1);

/// How often is looked whether it has ended.
const INTERVAL: Duration = Duration::from_millis(10);

/// Most bytes that are read of its output.
const OUTPUT_LIMIT: u64 = 4_096;

/// Most characters of its standard error that an error repeats.
const SHOWN: usize = 200;

/// So many letters and digits in a row may be a key, or a part of one.
const MAY_BE_KEY: usize = 20;

/// A command that signs with the key of an address.
#[derive(Clone, Debug)]
pub struct CommandSigner {
    words: Vec<String>,
    address: EvmAddress,
    patience: Duration,
}

impl CommandSigner {
    /// The command that signs with the key of an address. It is not run yet.
    ///
    /// # Errors
    /// If a quotation mark is not closed, or there is no word.
    pub fn new(command: &str, address: EvmAddress) -> Result<Self, SignerError> {
        match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(Self { words, address, patience: PATIENCE }),
            Some(_) => Err(SignerError::None("expected a command, found none".to_owned())),
            None => {
                Err(SignerError::None("expected a command with every quotation mark closed, found one open".into()))
            }
        }
    }

    /// What the command writes, if it ends well and in time.
    fn run(&self, input: Vec<u8>) -> Result<Vec<u8>, String> {
        let (program, arguments) = self.words.split_first().ok_or("expected a command, found none")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{program}: cannot be run: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Whether it reads is its own affair: it is judged by its answer.
            thread::spawn(move || stdin.write_all(&input));
        }
        let (output, complaint) = (reading(child.stdout.take()), reading(child.stderr.take()));
        let status = self.wait(&mut child).map_err(|error| format!("{program}: {error}"))?;
        if !status.success() {
            let ended = status.code().map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            let complaint = complaint.recv_timeout(REST).unwrap_or_default();
            return Err(format!("{program}: expected exit code 0, found {ended}{}", first_line(&complaint)));
        }
        output.recv_timeout(REST).map_err(|_| format!("{program}: expected an end of its standard output, found none"))
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, String> {
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            if start.elapsed() >= self.patience {
                // It may have ended in the meantime.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("expected an answer within {} seconds, found none", self.patience.as_secs()));
            }
            thread::sleep(INTERVAL);
        }
    }
}

impl Signer for CommandSigner {
    fn address(&self) -> EvmAddress {
        self.address
    }

    fn ask(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError> {
        let output = self.run(what.to_json().to_string().into_bytes()).map_err(SignerError::None)?;
        let text = str::from_utf8(&output).map_or("", str::trim);
        let signature = text.strip_prefix("0x").and_then(|digits| hex::decode_to_array(digits).ok());
        // It may be anything, a key by mistake too.
        signature.map(HexBytes).ok_or_else(|| {
            let expected = "expected a signature, 0x and 130 hexadecimal digits, on standard output";
            SignerError::None(format!("{}: {expected}, found {} bytes of another form", self.words[0], output.len()))
        })
    }
}

/// What a pipe gives, up to a limit, once its end is reached.
fn reading(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |pipe| pipe.take(OUTPUT_LIMIT).read_to_end(&mut bytes));
        // Nobody may wait for it any more.
        let _: Result<(), io::Error> = read.map(|_| drop(sender.send(bytes)));
    });
    receiver
}

/// The first line that a command has complained with, without what may be a key or move a cursor.
fn first_line(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let line: String = text.trim().lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let (mut shown, mut run) = (String::new(), String::new());
    for mark in line.chars().chain(['\n']) {
        if mark.is_ascii_alphanumeric() {
            run.push(mark);
        } else {
            shown += if run.len() < MAY_BE_KEY { &run } else { "…" };
            shown.push(mark);
            run.clear();
        }
    }
    let shown = shown.trim_end();
    if shown.is_empty() { String::new() } else { format!(": {}", shown.chars().take(SHOWN).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use serde_json::{Value, json};
    use surety_core::ident::Bytes32;
    use surety_verifier::attestation::signature::SigningKey;
    use tempfile::TempDir;

    use super::*;

    struct Trial;

    impl Signable for Trial {
        fn digest(&self) -> Bytes32 {
            HexBytes([5; 32])
        }

        fn to_json(&self) -> Value {
            json!({ "primaryType": "Trial" })
        }
    }

    fn key() -> SigningKey {
        SigningKey::from_secret_bytes(&[1; 32]).unwrap()
    }

    fn signature() -> String {
        key().sign(&Trial.digest()).unwrap().to_string()
    }

    /// What comes of a script that signs, to which `patience` is given.
    fn given(script: &str, patience: Duration) -> (TempDir, Result<SignatureBytes, SignerError>) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("a signer");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let command = format!("'{}' 'with words'", path.display());
        let mut signer = CommandSigner::new(&command, key().address()).unwrap();
        signer.patience = patience;
        let given = (&signer as &dyn Signer).sign(&Trial);
        (directory, given)
    }

    fn refusal(script: &str) -> String {
        given(script, PATIENCE).1.unwrap_err().to_string()
    }

    #[test]
    fn a_command_signs_what_it_reads() {
        let script = format!("test \"$1\" = 'with words' && cat > \"$0.read\" && echo {}", signature());
        let (directory, given) = given(&script, PATIENCE);
        assert_eq!(given.unwrap().to_string(), signature());
        let read = fs::read_to_string(directory.path().join("a signer.read")).unwrap();
        assert_eq!(read, r#"{"primaryType":"Trial"}"#);
    }

    /// Attack: a command with another key.
    #[test]
    fn rejects_a_signature_by_another_key() {
        let other = SigningKey::from_secret_bytes(&[2; 32]).unwrap();
        let refusal = refusal(&format!("echo {}", other.sign(&Trial.digest()).unwrap()));
        assert!(refusal.contains(&format!("found one by {}", other.address())), "{refusal}");
    }

    #[test]
    fn rejects_what_is_no_signature() {
        let secret = "11".repeat(32);
        for output in [String::new(), signature()[2..].to_owned(), format!("{} more", signature()), secret.clone()] {
            let refusal = refusal(&format!("echo '{output}'"));
            assert!(refusal.contains("expected a signature, 0x and 130 hexadecimal digits"), "{refusal}");
            assert!(!refusal.contains(&secret), "{refusal}");
        }
        let endless = refusal("cat /dev/zero");
        assert!(endless.contains("exit code") || endless.contains("signal"), "{endless}");
    }

    #[test]
    fn rejects_a_command_that_takes_too_long() {
        let refusal = given("exec sleep 60", Duration::from_millis(200)).1.unwrap_err().to_string();
        assert!(refusal.contains("expected an answer within 0 seconds, found none"), "{refusal}");
    }

    #[test]
    fn rejects_a_command_that_fails_and_repeats_no_key() {
        let secret = "0x".to_owned() + &"ab".repeat(32);
        let refusal = refusal(&format!("echo 'no key {secret} on É, token' >&2; echo more >&2; exit 3"));
        assert!(
            refusal.ends_with("a signer: expected exit code 0, found exit code 3: no key … on É, token"),
            "{refusal}"
        );
        assert!(!refusal.contains("abab") && !refusal.contains("more"), "{refusal}");
    }

    #[test]
    fn rejects_a_command_that_cannot_be_run() {
        let refused = |command: &str| {
            let signer = CommandSigner::new(command, key().address());
            signer.and_then(|signer| (&signer as &dyn Signer).sign(&Trial)).unwrap_err().to_string()
        };
        assert!(refused("/nowhere/signer --quiet").contains("/nowhere/signer: cannot be run"));
        assert!(refused("").contains("expected a command, found none"));
        assert!(refused("'open").contains("quotation mark"));
    }
}
