//! Where the requests of one integration's OAuth may lead.
//!
//! The metadata of an integration and of an authorization server name addresses that this server then asks. Written by
//! a stranger, they could lead into the operator's own network. So what is not on the internet at large is asked only
//! on a host that the operator has named: the integration's own, or the `issuer`. The address that is connected to is
//! what counts. A name is looked up here, anew for each connection, and the connection gets the addresses that pass and
//! no others: a name that tells something else at a second look gains nothing.
//!
//! The ranges are those of IANA's registries of special-purpose addresses (RFC 6890). An address of IPv6 that carries
//! one of IPv4 is taken for that one. Of IPv6 only what is given out to the internet counts as the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::http_client::HttpTrouble;

/// What an address is, for whoever is led there by a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A host of the internet.
    Internet,
    /// A host of a private network or of this machine, or an address that is set aside.
    Inside,
    /// Nobody's own address: of one link (such as a cloud's metadata service), of many hosts, or of none.
    Never,
}

/// Where the OAuth of one integration may lead.
#[derive(Debug)]
pub(super) struct Reach {
    /// The addresses that the operator has named.
    named: Vec<Url>,
}

impl Reach {
    pub(super) fn new(named: Vec<Url>) -> Self {
        Self { named }
    }

    /// Whether an address may be asked, or a person be sent there, as far as can be told before its name is looked up.
    ///
    /// HTTPS is required, but for hosts that are named with plain HTTP, and for this machine where it is named.
    pub(super) fn check(&self, url: &Url) -> Result<(), HttpTrouble> {
        let host = url.host().ok_or(HttpTrouble::Forbidden)?;
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self.names_plainly(&host) || (self.names_this_machine() && is_this_machine(&host)),
            _ => false,
        };
        if !scheme {
            return Err(HttpTrouble::Forbidden);
        }
        match &host {
            Host::Domain(_) if is_this_machine(&host) => self.admits(&host, Ipv4Addr::LOCALHOST.into()),
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.admits(&host, (*address).into()),
            Host::Ipv6(address) => self.admits(&host, (*address).into()),
        }
    }

    /// Of the addresses that a name was found to have, those that may be connected to; at least one.
    fn admitted(&self, name: &str, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, HttpTrouble> {
        let host = Host::Domain(name);
        let mut trouble = HttpTrouble::Unreachable;
        let mut admitted = Vec::new();
        for address in found {
            match self.admits(&host, address.ip()) {
                Ok(()) => admitted.push(*address),
                Err(refused) => trouble = refused,
            }
        }
        if admitted.is_empty() { Err(trouble) } else { Ok(admitted) }
    }

    fn admits(&self, host: &Host<&str>, address: IpAddr) -> Result<(), HttpTrouble> {
        match kind(address) {
            Kind::Internet => Ok(()),
            Kind::Inside => {
                let here = is_this_machine(host) && address.to_canonical().is_loopback();
                let opened = self.names(host) || (here && self.names_this_machine());
                if opened { Ok(()) } else { Err(HttpTrouble::Inside) }
            }
            Kind::Never => Err(HttpTrouble::Forbidden),
        }
    }

    fn names(&self, host: &Host<&str>) -> bool {
        self.named.iter().filter_map(Url::host).any(|named| named == *host)
    }

    fn names_plainly(&self, host: &Host<&str>) -> bool {
        let plain = self.named.iter().filter(|named| named.scheme() == "http");
        plain.filter_map(Url::host).any(|named| named == *host)
    }

    /// Every name of this machine stands for the others.
    fn names_this_machine(&self) -> bool {
        self.named.iter().filter_map(Url::host).any(|named| is_this_machine(&named))
    }
}

/// Looks names up, within a reach.
#[derive(Debug)]
pub(super) struct Lookup(pub(super) Arc<Reach>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(looked_up(Arc::clone(&self.0), name))
    }
}

async fn looked_up(reach: Arc<Reach>, name: Name) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    let found = tokio::net::lookup_host((name.as_str(), 0_u16)).await?;
    let found: Vec<SocketAddr> = found.collect();
    let admitted = reach.admitted(name.as_str(), &found)?;
    Ok(Box::new(admitted.into_iter()))
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).to_canonical().is_loopback(),
    }
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => carried(address).map_or_else(|| kind_of_v6(address), kind_of_v4),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let [first, second, third, _] = address.octets();
    if first == 0 || address.is_link_local() || address.is_multicast() || address.is_broadcast() {
        return Kind::Never;
    }
    match (first, second, third) {
        // This machine, private networks (RFC 1918), and those of a provider (RFC 6598).
        (10 | 127, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Kind::Inside,
        // For protocols, examples and measurements (RFC 5737, RFC 2544, RFC 7526), and what is kept for later.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => Kind::Inside,
        (240..=255, _, _) => Kind::Inside,
        _ => Kind::Internet,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local() {
        return Kind::Never;
    }
    let [first, second, ..] = address.segments();
    match (first, second) {
        // For protocols (RFC 2928) and examples (RFC 3849, RFC 9637).
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => Kind::Inside,
        (0x2000..=0x3fff, _) => Kind::Internet,
        _ => Kind::Inside,
    }
}

/// The address of IPv4 that one of IPv6 carries: mapped or compatible (RFC 4291), translated (RFC 6052), or of a tunnel
/// (RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // Nobody, and this machine.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
