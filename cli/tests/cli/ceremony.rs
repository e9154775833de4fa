//! Set-ups: imported, downloaded, and the whole way over a real ceremony.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use group::{Curve as _, ff::Field as _};
use halo2curves::serde::SerdeObject as _;
use rand_core::OsRng;
use sha2::Digest as _;
use surety_core::capacity::Capacity;
use surety_host::{
    digest::{Algorithm, FileHash},
    import::import,
};
use surety_kzg::{Fr, G1Affine, G2Affine, Srs, import::write_compact, progress::Silent};

use crate::sandbox::{Sandbox, files_below, shared};

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}

fn compact(srs: &Srs) -> Vec<u8> {
    let mut file = Vec::new();
    write_compact(srs, &mut file).unwrap();
    file
}

/// A set-up whose τ nobody knows any more, and no ceremony has made.
fn of_nobody() -> Srs {
    let tau = Fr::random(OsRng);
    let powers = std::iter::successors(Some(Fr::ONE), |power| Some(power * tau)).take(512);
    let powers = powers.map(|power| (G1Affine::generator() * power).to_affine()).collect();
    Srs::new_checked(powers, (G2Affine::generator() * tau).to_affine()).unwrap()
}

/// Serves these bodies with status 200, one a connection, and returns what was asked for, the first line each.
fn serve(bodies: Vec<Vec<u8>>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |body: Vec<u8>| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap());
            let lines: Vec<_> = request.lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).unwrap();
            // The client may hang up first.
            let _ = stream.write_all(&body);
            lines[0].clone()
        };
        bodies.into_iter().map(answer).collect()
    });
    (url, server)
}

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

    // Without the imported set-up, verification uses the published commitments and says so.
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
    let plain = format!("srs download {url} --sha256 {hash} --bytes {length} --json");
    // It is kept where it arrived: the server is asked once.
    assert!(sandbox.surety(&plain).expect(5).says("--allow-insecure-srs"));
    server.join().unwrap();
    let line = format!("{plain} --allow-insecure-srs");
    let run = sandbox.surety(&line);
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    assert_eq!(run.data()["origin"], "insecure-development");
    // It is here now: the server is asked no more, unless another file is wanted.
    sandbox.surety(&line).expect(0);
    let other = format!("0x{}", "00".repeat(32));
    sandbox.surety(&format!("srs download {url} --sha256 {other} --bytes {length}")).expect(2);
}

#[test]
fn a_set_up_is_got_by_the_name_of_its_ceremony() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let file = file.to_str().unwrap();
    // From a mirror, as the ceremony's publisher has it.
    let srs = import(Path::new(file), None, Some(capacity(9)), &Silent).unwrap();
    let halo2 = [
        &9u32.to_le_bytes()[..],
        &srs.powers().iter().flat_map(|power| power.to_raw_bytes()).collect::<Vec<_>>(),
        &[0; 64 << 9],
        &G2Affine::generator().to_raw_bytes(),
        &srs.verifier_key().tau_g2().to_raw_bytes(),
    ]
    .concat();
    let (url, server) = serve(vec![halo2]);
    let sandbox = Sandbox::new();
    let got = sandbox.surety(&format!("srs get PPOT_0085 --k 9 --from {url}/mirror --json")).data();
    assert_eq!((&got["origin"], &got["sound"], &got["k"]), (&"ppot-0085".into(), &true.into(), &9.into()));
    assert_eq!(server.join().unwrap(), ["GET /mirror/kzg_bn254_9.srs HTTP/1.1"]);
    assert_eq!(files_below(&sandbox.path("data/downloads")), [""; 0].map(std::path::PathBuf::from));
    // The server is gone: what is here is not got again.
    let again = sandbox.surety(&format!("srs get ppot-0085 --k 9 --from {url}/mirror")).expect(0);
    assert!(again.says("here already"), "{}", again.stderr);
    // From a file, for larger classes.
    sandbox.run(["srs", "get", "0085", "--from", file]).expect(0);
    let listed = sandbox.surety("srs list --json").data();
    assert_eq!(listed["srs"].as_array().unwrap().iter().map(|srs| srs["k"].clone()).collect::<Vec<_>>(), [9, 16]);
    let doctor = sandbox.surety("doctor").expect(0);
    assert!(doctor.says("sound: ppot-0085 with 2^9 powers, ppot-0085 with 2^16 powers"), "{}", doctor.stderr);
    // Then it is what init builds on.
    let init = sandbox.surety("init mine").expect(0);
    assert!(!init.says("INSECURE") && !init.says("trying"), "{}", init.stderr);
}

#[test]
fn rejects_what_is_not_of_the_ceremony_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("page", "<html><body>no such file</body></html>");
    fs::write(sandbox.path("development.srs"), compact(&Srs::development(capacity(9)))).unwrap();
    fs::write(sandbox.path("nobody.srs"), compact(&of_nobody())).unwrap();
    fs::create_dir(sandbox.path("empty")).unwrap();
    for (line, code, reason) in [
        ("srs get --k 9 --from development.srs", 5, "expected a set-up of ppot-0080, found the insecure development"),
        ("srs get ppot-0085 --k 9 --from nobody.srs", 5, "of no ceremony that this version knows"),
        ("srs get ppot-0080 --k 9 --from page", 2, "found an HTML page"),
        ("srs get ppot-0080 --k 9 --from empty", 2, "ppot_0080_09.ptau"),
        ("srs get hermez-0054 --k 9 --from nowhere", 2, "powersOfTau28_hez_final_09.ptau"),
        ("srs get zcash", 2, "found none of them"),
        ("srs get ppot", 2, "found ppot-0085 and ppot-0080"),
        ("srs get aztec-ignition", 2, "--g2 g2.dat"),
        ("srs get ppot-0080 --k 8", 2, "from 9 to 16"),
    ] {
        let run = sandbox.surety(line).expect(code);
        assert!(run.says(reason), "{line}: {}", run.stderr);
    }
    if let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") {
        let run = sandbox.run(["srs", "get", "ppot-0080", "--from", file.to_str().unwrap()]).expect(5);
        assert!(run.says("expected a set-up of ppot-0080, found one of ppot-0085"), "{}", run.stderr);
    }
    assert!(sandbox.surety("srs list").expect(0).says("none: get one"), "nothing was taken");
}

#[test]
fn rejects_another_file_or_page_from_a_mirror_and_keeps_nothing() {
    let mut other = vec![0; (1152 << 9) + 93_330];
    other[..4].copy_from_slice(b"ptau");
    let s3 = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".to_vec();
    for (body, code, reason) in
        [(other, 5, "expected SHA-256 67e59e34"), (s3, 2, "AccessDenied"), (vec![], 2, "an empty file")]
    {
        let (url, server) = serve(vec![body]);
        let sandbox = Sandbox::new();
        let run = sandbox.surety(&format!("srs get ppot-0080 --k 9 --from {url}/")).expect(code);
        assert!(run.says(reason), "{}", run.stderr);
        server.join().unwrap();
        assert_eq!(files_below(&sandbox.path("data")).len(), 0);
    }
}

#[test]
fn rejects_a_set_up_of_nobody_unless_told_otherwise() {
    let sandbox = Sandbox::new();
    let srs = of_nobody();
    fs::write(sandbox.path("nobody.srs"), compact(&srs)).unwrap();
    let run = sandbox.surety("srs import nobody.srs").expect(5);
    assert!(run.says("--accept-unknown") && run.says("hermez-0054"), "{}", run.stderr);
    let check = sandbox.surety("srs check nobody.srs --json").expect(5).envelope();
    assert_eq!((&check["data"]["origin"], &check["data"]["sound"]), (&"unknown".into(), &false.into()));
    assert_eq!(sandbox.surety("srs list --json").data()["srs"].as_array().unwrap().len(), 0);
    sandbox.surety("doctor").expect(0);

    sandbox.surety("srs check nobody.srs --accept-unknown").expect(0);
    sandbox.surety("srs import nobody.srs --accept-unknown").expect(0);
    assert!(sandbox.surety("srs list").expect(0).says("NOT SOUND"));
    let doctor = sandbox.surety("doctor").expect(5);
    assert!(doctor.says("found of unknown origin") && doctor.says("none sound"), "{}", doctor.stderr);
    assert!(!doctor.says("good: unknown"));
    // Nothing takes it by itself.
    assert!(sandbox.surety("init mine").expect(0).says("INSECURE"));

    let file = compact(&srs);
    let hash = FileHash::of(Algorithm::Sha256, &file[..]).unwrap().to_string();
    let (url, server) = serve(vec![file]);
    let other = Sandbox::new();
    let hash = hash.rsplit(' ').next().unwrap().to_owned();
    other.run(["srs", "download", &format!("{url}/pot"), "--sha256", &hash]).expect(5);
    server.join().unwrap();
    assert!(other.surety("srs list").expect(0).says("none: get one"));
}

/// Everybody can prove anything under it: it is worse than one of nobody.
#[test]
fn rejects_a_set_up_whose_secret_is_published_unless_told_otherwise() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("development.srs"), compact(&Srs::development(capacity(9)))).unwrap();
    for line in
        ["srs import development.srs", "srs check development.srs", "srs import development.srs --accept-unknown"]
    {
        let run = sandbox.surety(line).expect(5);
        assert!(run.says("--allow-insecure-srs") && run.says("whose secret is published"), "{}", run.stderr);
    }
    let check = sandbox.surety("srs check development.srs --json").expect(5).envelope();
    assert_eq!((&check["data"]["origin"], &check["data"]["sound"]), (&"insecure-development".into(), &false.into()));
    assert_eq!(sandbox.surety("srs list --json").data()["srs"].as_array().unwrap().len(), 0);
    sandbox.surety("srs check development.srs --allow-insecure-srs").expect(0);
    sandbox.surety("srs import development.srs --allow-insecure-srs").expect(0);
    assert_eq!(sandbox.surety("srs list --json").data()["srs"].as_array().unwrap().len(), 1);
}

/// The header is that of a sound set-up, and a power is another.
#[test]
fn rejects_a_damaged_set_up_in_the_store_and_gets_it_again() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let sandbox = Sandbox::new();
    let get = ["srs", "get", "ppot-0085", "--from", file.to_str().unwrap()];
    sandbox.run(get).expect(0);
    let stored = files_below(&sandbox.path("data/srs")).remove(0);
    let sound = fs::read(&stored).unwrap();
    let mut damaged = sound.clone();
    damaged[4 + 32 * 60_000] ^= 1;
    fs::write(&stored, damaged).unwrap();
    let doctor = sandbox.surety("doctor").expect(5);
    assert!(doctor.says("found damaged files") && doctor.says("-k16.srs"), "{}", doctor.stderr);
    let run = sandbox.run(get).expect(0);
    assert!(run.says("passed over") && !run.says("here already"), "{}", run.stderr);
    assert_eq!(fs::read(&stored).unwrap(), sound);
    assert!(sandbox.run(get).expect(0).says("here already"));
    sandbox.surety("doctor").expect(0);
    // A file that is no set-up at all is a fault, too.
    fs::write(&stored, &sound[..100]).unwrap();
    assert!(sandbox.surety("doctor").expect(5).says("found damaged files"));
}

#[test]
fn rejects_files_that_are_no_set_up_each_with_its_own_advice() {
    let sandbox = Sandbox::new();
    let file = compact(&Srs::development(capacity(9)));
    let s3 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchKey</Code><Key>pot</Key></Error>";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 75590802\n";
    for (content, advice) in [
        (s3.as_bytes(), "NoSuchKey"),
        (pointer.as_bytes(), "git lfs pull"),
        (b"", "an empty file: nothing has arrived"),
        (&file[..file.len() - 100], "has 16516 bytes, found 16416: resume the download"),
        (&file[..50], "it ends at byte 50"),
        (b"<!doctype html><title>Sign in</title>", "an HTML page"),
        (b"\x1f\x8b\x08\x00", "a gzip file: unpack it first"),
    ] {
        fs::write(sandbox.path("file"), content).unwrap();
        for command in ["srs import file", "srs check file"] {
            let run = sandbox.surety(command).expect(2);
            assert!(run.says(advice), "{}", run.stderr);
        }
    }
}

#[test]
fn powers_in_g2_are_imported_with_the_ceremonys_powers() {
    let (Some(file), Some(more)) =
        (shared("srs/ppot-0085-k16.g1-compressed"), shared("srs/ppot-0085-g2-powers-of-two.gnark"))
    else {
        return;
    };
    let (file, more) = (file.to_str().unwrap(), more.to_str().unwrap());
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["srs", "import", file, "--json"]).data()["g2_powers"], false);
    let with = sandbox.run(["srs", "import", file, "--g2-powers", more, "--json"]).data();
    assert_eq!(with["g2_powers"], true);
    sandbox.run(["srs", "import", file]).expect(0);
    let listed = sandbox.surety("srs list --json").data();
    let listed = listed["srs"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["g2_powers"], &listed[0]["id"]), (1, &true.into(), &with["id"]));

    let development = compact(&Srs::development(capacity(9)));
    fs::write(sandbox.path("development.srs"), development).unwrap();
    let run = sandbox.run(["srs", "import", "development.srs", "--g2-powers", more]).expect(5);
    assert!(run.says("of another ceremony"), "{}", run.stderr);
}

#[test]
fn hashes_are_taken_however_they_are_written() {
    let file = compact(&Srs::development(capacity(9)));
    let hash =
        |algorithm| FileHash::of(algorithm, &file[..]).unwrap().to_string().rsplit_once(' ').unwrap().1.to_owned();
    let (sha256, blake2b) = (hash(Algorithm::Sha256), hash(Algorithm::Blake2b512));
    let groups: Vec<&str> = (0..16).map(|word| &blake2b[8 * word..8 * (word + 1)]).collect();
    let length = file.len().to_string();
    for (option, hash) in [
        ("--sha256", sha256.to_uppercase()),
        ("--sha256", format!("0x{sha256}")),
        ("--blake2b", blake2b.clone()),
        ("--blake2b", groups.chunks(4).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n\t")),
    ] {
        let (url, server) = serve(vec![file.clone()]);
        let sandbox = Sandbox::new();
        let url = format!("{url}/pot");
        let line = ["srs", "download", &url, option, &hash, "--bytes", &length, "--allow-insecure-srs"];
        sandbox.run(line).expect(0);
        server.join().unwrap();
    }
    let sandbox = Sandbox::new();
    let run = sandbox.run(["srs", "download", "http://127.0.0.1:1/", "--sha256", &blake2b]).expect(2);
    assert!(run.says("looks like BLAKE2b-512"), "{}", run.stderr);
    sandbox.surety("srs download http://127.0.0.1:1/").expect(2);
    sandbox.surety("srs check --carried --g2 file").expect(2);
}

/// A proxy on this machine stands for the network: it is asked for the ceremony's server, once, and hangs up.
#[test]
fn without_a_set_up_one_is_tried_once_and_the_fallback_is_loud() {
    for command in [&["init", "mine"][..], &["demo", "--out", "demo"]] {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", proxy.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (stream, _) = proxy.accept().unwrap();
            BufReader::new(stream).lines().next().unwrap().unwrap()
        });
        let environment = [("SURETY_OFFLINE", "0"), ("HTTPS_PROXY", &address), ("ALL_PROXY", &address)];
        let sandbox = Sandbox::new();
        let start = Instant::now();
        let run = sandbox.run_with(&environment, command.iter().copied()).expect(0);
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(asked.join().unwrap().contains("pse-trusted-setup-ppot.s3.eu-central-1.amazonaws.com:443"));
        for told in ["trying once to get that of ppot-0080", "no ceremony's set-up could be had", "INSECURE"] {
            assert!(run.says(told), "{told}: {}", run.stderr);
        }
        // And nobody is asked where that is not wished.
        let sandbox = Sandbox::new();
        let line = command.iter().copied().chain(["--offline"]);
        let run = sandbox.run_with(&[("SURETY_OFFLINE", "")], line).expect(0);
        assert!(run.says("INSECURE") && !run.says("trying"), "{}", run.stderr);
    }
}

/// Builds the program anew, twice.
#[test]
#[ignore = "takes minutes"]
fn full_a_release_carries_a_ceremony() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = workspace.join("target/carrying");
    let build = |file: &Path| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--locked", "--package", "surety", "--bin", "surety", "--target-dir"]).arg(&target);
        command.current_dir(&workspace).env("SURETY_CEREMONY", file).output().unwrap()
    };
    let sandbox = Sandbox::new();
    let carrying = target.join("debug/surety");
    assert!(build(&file).status.success());
    let run = |line: &str| {
        let mut command = Command::new(&carrying);
        for (variable, place) in
            [("SURETY_CACHE_DIR", "cache"), ("SURETY_DATA_DIR", "data"), ("SURETY_STATE_DIR", "state")]
        {
            command.env(variable, sandbox.path(place));
        }
        let output = command.current_dir(sandbox.path(".")).args(line.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    assert!(run("doctor").contains("sound: ppot-0085 with 2^16 powers, SHA-256 "));
    assert!(run("srs list").contains("(in this program)"));
    assert!(run("srs check --carried").contains("ppot-0085"));
    assert!(!run("demo --out demo").contains("INSECURE"));
    run("verify demo/attestation.json");

    let development = sandbox.path("development.srs");
    fs::write(&development, compact(&Srs::development(capacity(9)))).unwrap();
    let refused = build(&development);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("expected the [τ]₂ of a known ceremony"), "{said}");
    // A hash that has no file, or is none, is not passed over.
    for (variables, problem) in [
        (vec![("SURETY_CEREMONY_SHA256", "ab".repeat(32))], "expected the file that has the hash"),
        (vec![("SURETY_CEREMONY_SHA256", String::new())], "expected 64 hexadecimal digits"),
    ] {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--locked", "--package", "surety", "--bin", "surety", "--target-dir"]).arg(&target);
        let refused = command.current_dir(&workspace).envs(variables).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(problem), "{said}");
    }
}
