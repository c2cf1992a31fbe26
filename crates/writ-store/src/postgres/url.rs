//! Where a PostgreSQL database is and who connects to it, shown without the password.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// How long one address may take to answer.
const CONNECT: Duration = Duration::from_secs(5);
/// How long what was sent may go unacknowledged, and how often a silent connection is looked at.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// The address of a PostgreSQL database: `postgres://user:password@host:port/database`, with the options of libpq's
/// connection URIs. `Display` and `Debug` leave out the password, and everything else but user, hosts, ports and name.
#[derive(Clone)]
pub struct PostgresUrl {
    config: Config,
}

/// Why a text is no address for a store. Nothing of the text is repeated: a password may be where it was not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not of the form.
    #[error("it is not of the form `postgres://user@host:port/database`")]
    Malformed,
    /// It names no host.
    #[error("it names no host: `postgres://user@host/database`, or `?host=` with the folder of a socket")]
    NoHost,
    /// It asks for TLS.
    #[error("connections to PostgreSQL are not encrypted yet: use a socket, or a tunnel, and leave `sslmode` out")]
    Encrypted,
    /// Its host is another machine, and it does not say that the network may be trusted.
    #[error(
        "its host is another machine, and connections to PostgreSQL are not encrypted yet: add `sslmode=disable` where \
         the network between may be trusted, or use a socket or a tunnel"
    )]
    Unprotected,
}

impl PostgresUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(UrlError::Malformed);
        }
        let mut config = Config::from_str(text).map_err(|_| UrlError::Malformed)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UrlError::NoHost);
        }
        match config.get_ssl_mode() {
            SslMode::Disable => {}
            SslMode::Prefer if config.get_hosts().iter().all(is_here) && is_loopback(config.get_hostaddrs()) => {
                config.ssl_mode(SslMode::Disable);
            }
            SslMode::Prefer => return Err(UrlError::Unprotected),
            _ => return Err(UrlError::Encrypted),
        }
        config.application_name("writ");
        config.connect_timeout(CONNECT);
        config.tcp_user_timeout(UNACKNOWLEDGED);
        config.keepalives(true);
        config.keepalives_idle(KEEPALIVE);
        config.keepalives_interval(KEEPALIVE);
        config.keepalives_retries(KEEPALIVE_RETRIES);
        // A standby would be read long after it has fallen behind; of several hosts it is passed over.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn is_loopback(addresses: &[IpAddr]) -> bool {
    addresses.iter().all(IpAddr::is_loopback)
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        for (number, host) in self.config.get_hosts().iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "," })?;
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(folder) => write!(f, "{}", folder.display())?,
            }
            let ports = self.config.get_ports();
            if let Some(port) = ports.get(number).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let texts = [
            "postgres://writ:swordfish@localhost:5433/acme",
            "postgresql://writ@localhost:5433/acme?password=swordfish",
            "postgres://writ:swordfish@db.example:5433/acme?sslmode=disable",
        ];
        for text in texts {
            let url = PostgresUrl::parse(text).unwrap();
            assert!(url.config().get_password().is_some());
            assert!(!format!("{url} {url:?}").contains("swordfish"), "{url}");
            assert!(url.to_string().starts_with("postgres://writ@"), "{url}");
            assert!(url.to_string().ends_with(":5433/acme"), "{url}");
        }
        for text in ["postgres://writ:sword/fish@db.example", "mysql://writ:swordfish@db.example/acme", "swordfish"] {
            let error = PostgresUrl::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("fish"), "{error}");
        }
    }

    #[test]
    fn a_connection_that_could_be_read_is_asked_for_in_words() {
        let sockets = "postgres:///acme?host=/run/postgresql&user=writ";
        for text in ["postgres://writ@localhost/acme", "postgres://writ@127.0.0.1/acme", sockets] {
            assert!(PostgresUrl::parse(text).unwrap().config().get_password().is_none(), "{text}");
        }
        let refused = |text| PostgresUrl::parse(text).unwrap_err();
        assert_eq!(refused("postgres://writ@db.example/acme"), UrlError::Unprotected);
        assert_eq!(refused("postgres://writ@localhost,db.example/acme"), UrlError::Unprotected);
        assert_eq!(refused("postgres://writ@localhost/acme?hostaddr=192.0.2.1"), UrlError::Unprotected);
        assert_eq!(refused("postgres://writ@db.example/acme?sslmode=require"), UrlError::Encrypted);
        assert_eq!(refused("postgres:///acme"), UrlError::NoHost);
        assert!(PostgresUrl::parse("postgres://writ@db.example/acme?sslmode=disable").is_ok());
    }
}
