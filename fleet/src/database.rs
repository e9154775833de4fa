//! Where a database is, and how safe the way there is.

use std::{net::IpAddr, str::FromStr};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use zeroize::Zeroizing;

/// Where a PostgreSQL database is: a URL, which may have a password. Does not print.
#[derive(Clone)]
pub struct DatabaseUrl(Zeroizing<String>);

impl core::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DatabaseUrl(hidden)")
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// Errors do not repeat the text.
    fn from_str(text: &str) -> Result<Self, String> {
        let scheme = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        let options = PgConnectOptions::from_str(text).ok().filter(|_| scheme);
        let form = "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, found something else";
        let options = options.ok_or(form)?;
        if falls_back(&options) && options.to_url_lossy().password().is_some() {
            return Err(format!("{SAFE} for a password that goes to another machine, {UNSAFE}"));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

const SAFE: &str = "expected sslmode=verify-full";
const UNSAFE: &str = "found a mode that falls back to plain text; sslmode=disable says that the network is trusted";

impl DatabaseUrl {
    /// How to connect.
    ///
    /// # Errors
    /// If the URL is none. Does not repeat it.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, &'static str> {
        let options = PgConnectOptions::from_str(&self.0).map_err(|_| "no database of this address")?;
        Ok(options.application_name("surety"))
    }

    /// The same for lists that are secrets, and that nobody may shorten.
    ///
    /// # Errors
    /// If somebody on the way could read or change answers.
    pub(crate) fn options_for_lists(&self) -> Result<PgConnectOptions, String> {
        let options = self.options()?;
        if falls_back(&options) || is_elsewhere(&options) && matches!(options.get_ssl_mode(), PgSslMode::Require) {
            return Err(format!(
                "{SAFE} for accounts that come from another machine, found a mode in which somebody on the way reads \
                 or changes them; sslmode=disable says that the network is trusted"
            ));
        }
        Ok(options)
    }
}

/// Whether the database is on another machine, and whoever can make TLS fail on the way reads along.
fn falls_back(options: &PgConnectOptions) -> bool {
    is_elsewhere(options) && matches!(options.get_ssl_mode(), PgSslMode::Allow | PgSslMode::Prefer)
}

fn is_elsewhere(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !(loopback || host.starts_with('/') || options.get_socket().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_passwords_that_other_machines_may_read() {
        for text in ["postgres://u:secret@host/d", "postgres://u@host/d?password=secret&sslmode=allow"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains("verify-full") && !error.contains("secret"), "{text}: {error}");
        }
        for text in [
            "postgres://u@host/d",
            "postgres://u:secret@localhost/d",
            "postgres://u:secret@127.0.0.1:5433/d",
            "postgres://u:secret@[::1]/d",
            "postgres:///d?host=/run/postgresql&user=u&password=secret",
            "postgres://u:secret@host/d?sslmode=require",
            "postgres://u:secret@host/d?sslmode=verify-full",
            "postgres://u:secret@host/d?sslmode=disable",
        ] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn rejects_accounts_that_other_machines_may_read_or_change() {
        let url = |text: &str| text.parse::<DatabaseUrl>().unwrap();
        for text in ["postgres://u@host/d", "postgres://u@host/d?sslmode=require"] {
            let error = url(text).options_for_lists().unwrap_err();
            assert!(error.contains("verify-full"), "{text}: {error}");
        }
        for text in [
            "postgres://u@localhost/d",
            "postgres://u@host/d?sslmode=verify-full",
            "postgres://u@host/d?sslmode=disable",
        ] {
            assert!(url(text).options_for_lists().is_ok(), "{text}");
        }
    }

    #[test]
    fn rejects_addresses_that_are_none_without_repeating_them() {
        for text in ["mysql://u:secret@h/d", "postgres", "secret", "", "postgres://u:secret@[::bad/d"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.starts_with("expected ") && !error.contains("secret"), "{text}: {error}");
        }
        let url: DatabaseUrl = "postgresql://user:secret@host:5433/database?sslmode=require".parse().unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }
}
