//! The whole way over a real ceremony.

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
