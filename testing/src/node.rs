//! A node of a chain that gives the answers of a test.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    thread,
};

use alloy_primitives::hex;
use serde_json::{Value, json};

#[must_use]
/// The address of a node of chain 1 that gives `answer` to every method but the question for the chain.
pub fn answering(answer: impl Fn(&str, &Value) -> Value + Send + 'static) -> String {
    serve(move |method, parameters| ("result", answer(method, parameters)))
}

#[must_use]
/// The address of a node of chain 1 whose contracts answer calls with this data or, where it is an error, refuse them
/// with it. Every address has code.
pub fn contracts(answer: impl Fn(&[u8]) -> Result<Vec<u8>, Vec<u8>> + Send + 'static) -> String {
    serve(move |method, parameters| {
        if method == "eth_getCode" {
            return ("result", json!("0xfe"));
        }
        let data = hex::decode(parameters[0]["data"].as_str().unwrap()).unwrap();
        match answer(&data) {
            Ok(data) => ("result", json!(hex::encode_prefixed(data))),
            Err(data) => {
                let data = hex::encode_prefixed(data);
                ("error", json!({ "code": 3, "message": "execution reverted", "data": data }))
            }
        }
    })
}

#[must_use]
/// The address of a node of chain 1 with 100 blocks, which answers for so many of them at a time, and tells these
/// events of those in the blocks before them.
pub fn events(most: u64, events: Vec<(u64, Value)>) -> String {
    let number = |text: &Value| u64::from_str_radix(text.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    serve(move |method, parameters| {
        if method == "eth_blockNumber" {
            return ("result", json!("0x64"));
        }
        let (from, to) = (number(&parameters[0]["fromBlock"]), number(&parameters[0]["toBlock"]));
        if to - from >= most {
            return ("error", json!({ "code": -32005, "message": format!("expected at most {most} blocks") }));
        }
        (
            "result",
            events
                .iter()
                .filter(|(block, _)| (from..=to).contains(block))
                .map(|(block, event)| log(*block, event))
                .collect(),
        )
    })
}

/// What a node tells of an event in a block.
fn log(block: u64, event: &Value) -> Value {
    let mut log = event.clone();
    log["blockNumber"] = json!(format!("{block:#x}"));
    for absent in ["blockHash", "transactionHash", "transactionIndex", "logIndex"] {
        log[absent] = Value::Null;
    }
    log
}

fn serve(answer: impl Fn(&str, &Value) -> (&'static str, Value) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let request: Value = serde_json::from_slice(&body).unwrap();
            let (key, value) = match request["method"].as_str().unwrap() {
                "eth_chainId" => ("result", json!("0x1")),
                method => answer(method, &request["params"]),
            };
            let body = json!({ "jsonrpc": "2.0", "id": request["id"], key: value }).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
        }
    });
    url
}
