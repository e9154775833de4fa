//! Set-ups: imported, downloaded, and the whole way over a real ceremony.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
};

use sha2::Digest as _;
use surety_kzg::{Srs, import::write_compact};
use surety_margin::capacity::Capacity;

use crate::sandbox::{Sandbox, shared};

#[test]
fn an_imported_ceremony_is_used_and_needs_no_flag() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let sandbox = Sandbox::new();
    let imported = sandbox.run(["srs", "import", file.to_str().unwrap(), "--json"]).data();
    assert_eq!(imported["origin"], "ppot-0085");
    assert_eq!(imported["k"], 16);
    let listed = sandbox.surety("srs list --json").data();
    assert_eq!(listed["srs"][0]["id"], imported["id"]);
    let info = sandbox.run(["info", file.to_str().unwrap(), "--json"]).data();
    assert_eq!(info["id"], imported["id"]);

    let run = sandbox.surety("demo --out demo --json").expect(0);
    assert!(!run.stderr.contains("INSECURE"), "{}", run.stderr);
    let data = run.data();
    assert_eq!(data["srs"]["insecure"], false);
    assert_eq!(data["srs"]["id"], imported["id"]);
    sandbox.surety("verify demo/attestation.json").expect(0);
    sandbox.surety("verify demo/attestation-initial.json --trust demo/trust.toml --strict").expect(0);
    assert_eq!(sandbox.surety("info demo/universe.toml --json").data()["srs"], imported["id"]);

    // Whoever has not imported it verifies with the published commitments, and is told so.
    let stranger = Sandbox::new();
    let attestation = sandbox.path("demo/attestation.json");
    let data = stranger.run(["verify", attestation.to_str().unwrap(), "--json"]).data();
    let anchors: Vec<_> =
        data["faith"].as_array().unwrap().iter().map(|faith| faith["anchor"].as_str().unwrap()).collect();
    assert!(anchors.contains(&"commitments"), "{anchors:?}");
}

#[test]
fn a_set_up_is_downloaded_and_checked() {
    let mut file = Vec::new();
    write_compact(&Srs::development(Capacity::new(9).unwrap()), &mut file).unwrap();
    let (hash, length) = (alloy_primitives::hex::encode_prefixed(sha2::Sha256::digest(&file)), file.len());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/pot", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = BufReader::new(stream.try_clone().unwrap());
        request.lines().map(Result::unwrap).take_while(|line| !line.is_empty()).for_each(drop);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").unwrap();
        stream.write_all(&file).unwrap();
    });
    let sandbox = Sandbox::new();
    let line = format!("srs download {url} --sha256 {hash} --bytes {length} --json");
    let run = sandbox.surety(&line);
    server.join().unwrap();
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    assert_eq!(run.data()["origin"], "insecure-development");
    // It is here now: the server is asked no more, unless another file is wanted.
    sandbox.surety(&line).expect(0);
    let other = format!("0x{}", "00".repeat(32));
    sandbox.surety(&format!("srs download {url} --sha256 {other} --bytes {length}")).expect(2);
}
