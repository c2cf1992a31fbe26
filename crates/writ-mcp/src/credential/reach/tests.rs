//! Where a stranger's metadata may lead, and where not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Name, Resolve};
use url::Url;

use super::{Kind, Lookup, Reach, kind};
use crate::credential::http_client::HttpTrouble;

fn reach(named: &[&str]) -> Reach {
    Reach::new(named.iter().map(|url| Url::parse(url).unwrap()).collect())
}

fn check(named: &str, url: &str) -> Result<(), HttpTrouble> {
    reach(&[named]).check(&Url::parse(url).unwrap())
}

fn found(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
}

#[test]
fn addresses_are_told_apart() {
    for (expected, addresses) in [
        (
            Kind::Internet,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.1",
                "100.63.255.255",
                "100.128.0.1",
                "128.0.0.1",
                "172.15.255.255",
                "172.32.0.1",
                "192.167.255.255",
                "192.169.0.1",
                "198.17.255.255",
                "198.20.0.1",
                "223.255.255.255",
                "2001:200::1",
                "2606:4700:4700::1111",
                "2a00:1450:4001::200e",
                "::ffff:8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
            ][..],
        ),
        (
            Kind::Inside,
            &[
                "10.0.0.5",
                "10.255.255.255",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.0.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "240.0.0.1",
                "255.255.255.254",
                "::1",
                "::10.0.0.5",
                "::ffff:10.0.0.5",
                "::ffff:127.0.0.1",
                "::ffff:0:10.0.0.5",
                "64:ff9b::192.168.0.1",
                "64:ff9b:1::8.8.8.8",
                "100::1",
                "2001::1",
                "2001:1ff::1",
                "2001:db8::1",
                "2002:a00:5::1",
                "3fff::1",
                "4000::1",
                "fc00::1",
                "fd00:ec2::254",
                "fec0::1",
            ][..],
        ),
        (
            Kind::Never,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.0.1",
                "169.254.169.254",
                "224.0.0.1",
                "239.255.255.255",
                "255.255.255.255",
                "::",
                "::ffff:0.0.0.0",
                "::ffff:169.254.169.254",
                "::ffff:224.0.0.1",
                "64:ff9b::169.254.169.254",
                "2002:a9fe:a9fe::1",
                "fe80::1",
                "febf::1",
                "ff02::1",
            ][..],
        ),
    ] {
        for address in addresses {
            assert_eq!(kind(address.parse::<IpAddr>().unwrap()), expected, "{address}");
        }
    }
}

#[test]
fn metadata_lead_nowhere_that_the_operator_has_not_opened() {
    let mail = "https://mail.example/mcp";
    assert_eq!(check(mail, "https://login.example/token"), Ok(()));
    assert_eq!(check(mail, "https://1.1.1.1/token"), Ok(()));
    for url in [
        "http://login.example/token",
        "http://127.0.0.1/token",
        "http://mail.example/token",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "https://0.0.0.0/token",
        "https://169.254.169.254/latest",
        "https://224.0.0.1/token",
        "https://[::]/token",
        "https://[::ffff:169.254.169.254]/token",
        "https://[fe80::1]/token",
        "https://[ff02::1]/token",
    ] {
        assert_eq!(check(mail, url), Err(HttpTrouble::Forbidden), "{url}");
    }
    for url in [
        "https://10.0.0.5/token",
        "https://10.5/token",
        "https://0x0a000005/token",
        "https://192.168.0.1:8443/token",
        "https://100.64.0.1/token",
        "https://127.0.0.1/token",
        "https://2130706433/token",
        "https://[::1]/token",
        "https://[::ffff:10.0.0.5]/token",
        "https://[fd00::1]/token",
        "https://localhost/token",
        "https://LOCALHOST./token",
        "https://app.localhost/token",
    ] {
        assert_eq!(check(mail, url), Err(HttpTrouble::Inside), "{url}");
    }
}

#[test]
fn what_the_operator_has_named_may_be_inside() {
    assert_eq!(check("https://10.0.0.5/mcp", "https://10.0.0.5:8443/token"), Ok(()));
    assert_eq!(check("http://10.0.0.7/mcp", "http://10.0.0.7:8080/token"), Ok(()));
    assert_eq!(check("https://[fd00::1]/mcp", "https://[fd00::1]/token"), Ok(()));
    // One host is not another, and plain HTTP is named as such.
    assert_eq!(check("https://10.0.0.5/mcp", "https://10.0.0.6/token"), Err(HttpTrouble::Inside));
    assert_eq!(check("https://10.0.0.5/mcp", "https://[::ffff:10.0.0.5]/token"), Err(HttpTrouble::Inside));
    assert_eq!(check("https://10.0.0.5/mcp", "http://10.0.0.5/token"), Err(HttpTrouble::Forbidden));
    // Every name of this machine stands for the others, and for nothing else.
    for url in ["http://localhost:9001/token", "http://[::1]/token", "https://127.0.0.2/token"] {
        assert_eq!(check("http://127.0.0.1:9000/mcp", url), Ok(()), "{url}");
    }
    assert_eq!(check("http://127.0.0.1:9000/mcp", "http://10.0.0.1/token"), Err(HttpTrouble::Forbidden));
    assert_eq!(check("http://127.0.0.1:9000/mcp", "https://10.0.0.1/token"), Err(HttpTrouble::Inside));
    // No operator has their authorization server at the address of a link, of many hosts, or of none.
    for url in ["https://169.254.169.254/mcp", "https://[fe80::1]/mcp", "https://0.0.0.0/mcp"] {
        assert_eq!(check(url, url), Err(HttpTrouble::Forbidden), "{url}");
    }
    let issuer = reach(&["https://mail.example/mcp", "https://10.0.0.9/realm"]);
    assert_eq!(issuer.check(&Url::parse("https://10.0.0.9/token").unwrap()), Ok(()));
}

#[test]
fn a_name_counts_for_what_it_leads_to() {
    let mail = reach(&["https://mail.example/mcp", "https://login.corp/realm"]);
    let inside = found(&["10.0.0.5", "::1", "::ffff:192.168.0.1", "fd00::1"]);
    for stranger in ["evil.example", "mail.example.", "sub.mail.example", "x.localhost"] {
        assert_eq!(mail.admitted(stranger, &inside), Err(HttpTrouble::Inside), "{stranger}");
    }
    // Of several addresses the private ones are left out.
    let mixed = found(&["10.0.0.5", "1.1.1.1", "169.254.169.254", "2606:4700::1"]);
    assert_eq!(mail.admitted("evil.example", &mixed), Ok(found(&["1.1.1.1", "2606:4700::1"])));
    for named in ["mail.example", "login.corp"] {
        assert_eq!(mail.admitted(named, &inside), Ok(inside.clone()), "{named}");
        let never = found(&["169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"]);
        assert_eq!(mail.admitted(named, &never), Err(HttpTrouble::Forbidden), "{named}");
    }
    assert_eq!(mail.admitted("mail.example", &[]), Err(HttpTrouble::Unreachable));
    // A name of this machine that leads elsewhere is not this machine.
    let here = reach(&["http://127.0.0.1:9000/mcp"]);
    let loopback = found(&["127.0.0.1", "::1"]);
    assert_eq!(here.admitted("localhost", &loopback), Ok(loopback.clone()));
    assert_eq!(here.admitted("localhost", &found(&["10.0.0.5"])), Err(HttpTrouble::Inside));
    assert_eq!(here.admitted("evil.example", &loopback), Err(HttpTrouble::Inside));
}

#[tokio::test]
async fn names_are_looked_up_within_the_reach() {
    let look = async |named: &str| {
        let name: Name = "localhost".parse().unwrap();
        Lookup(Arc::new(reach(&[named]))).resolve(name).await
    };
    let refused = look("https://mail.example/mcp").await.err().unwrap();
    assert_eq!(refused.downcast_ref::<HttpTrouble>(), Some(&HttpTrouble::Inside));
    let mut addresses = look("http://127.0.0.1:9000/mcp").await.ok().unwrap();
    assert!(addresses.all(|address| address.ip().is_loopback()));
}
