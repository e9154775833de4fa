//! Addresses of what parties serve each other.

use core::{fmt, net::IpAddr, str::FromStr};
use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ureq::http::Uri;

/// The address of what another party serves: HTTPS, or HTTP on this machine, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected https:// and a host, or http:// and this machine's address";
        let uri: Uri = text.parse().map_err(|_| format!("{expected}, found {text:?}"))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let named = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if named {
            return Err(format!("{expected}, found one with a name or password in it"));
        }
        match uri.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if local => {}
            _ => return Err(format!("{expected}, found {text:?}")),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uri", "pattern": "^https?://" })
    }
}

impl Address {
    /// What is below it.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self(format!("{}/{path}", self.0))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_safe_or_of_this_machine() {
        for good in ["https://node.example/v1/", "http://127.0.0.1:8700", "http://localhost:1/a", "http://[::1]:2"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good.trim_end_matches('/'));
        }
    }

    #[test]
    fn rejects_addresses_that_somebody_on_the_way_could_answer_for() {
        for bad in
            ["http://node.example", "ftp://127.0.0.1", "node.example", "", "https://a:b@node.example", "https://"]
        {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
