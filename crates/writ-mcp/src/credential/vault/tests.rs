//! What the sealed file withstands: changes, other keys, crashes and other writers.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use writ_engine::clock::Clock;

use super::file::with_suffix;
use super::{Key, KeySource, NAME_BYTES_MAX, Name, VALUE_BYTES_MAX, Vault, VaultError};

const CANARY: &str = "canary-7f31c0de";

fn key_file(folder: &Path) -> KeySource {
    KeySource::File(folder.join("keys/credentials.key"))
}

fn open(folder: &Path) -> Result<Vault, VaultError> {
    Vault::open(folder.join("credentials.sealed"), key_file(folder), Clock::default())
}

fn mail() -> Name {
    Name::secret("mail").unwrap()
}

fn token() -> Name {
    Name::Token { integration: "calendar".to_owned(), person: "ana".to_owned() }
}

fn value(vault: &Vault, name: &Name) -> Option<String> {
    vault.get(name).unwrap().map(|secret| secret.expose().to_owned())
}

#[test]
fn what_is_sealed_comes_back_and_is_nowhere_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let vault = open(folder.path()).unwrap();
    assert_eq!(value(&vault, &mail()), None);
    vault.set(&mail(), CANARY).unwrap();
    vault.set(&token(), "another").unwrap();
    let again = open(folder.path()).unwrap();
    assert_eq!(value(&again, &mail()).as_deref(), Some(CANARY));
    assert_eq!(again.list().unwrap().into_iter().map(|listed| listed.name).collect::<Vec<_>>(), [mail(), token()]);
    let file = folder.path().join("credentials.sealed");
    assert!(!std::fs::read_to_string(&file).unwrap().contains(CANARY));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!format!("{vault:?} {:?}", vault.list().unwrap()).contains(CANARY));
    assert!(again.remove(&mail()).unwrap());
    assert!(!again.remove(&mail()).unwrap());
    assert_eq!(value(&vault, &mail()), None);
}

#[test]
fn no_byte_can_be_changed_and_no_line_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let vault = open(folder.path()).unwrap();
    vault.set(&mail(), CANARY).unwrap();
    vault.set(&token(), "another").unwrap();
    let file = folder.path().join("credentials.sealed");
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        for other in [whole[at] ^ 1, b' ', b'A'] {
            let mut changed = whole.clone();
            changed[at] = other;
            if changed != whole {
                std::fs::write(&file, &changed).unwrap();
                assert!(vault.list().is_err(), "byte {at}");
            }
        }
        std::fs::write(&file, &whole[..at]).unwrap();
        assert!(vault.list().is_err(), "cut at {at}");
    }
    let text = String::from_utf8(whole.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for out in 0..lines.len() {
        let kept: Vec<&str> = lines.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, line)| *line).collect();
        std::fs::write(&file, format!("{}\n", kept.join("\n"))).unwrap();
        assert!(vault.list().is_err(), "line {out}");
    }
    std::fs::write(&file, [whole.as_slice(), b"\n"].concat()).unwrap();
    assert!(vault.list().is_err());
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(value(&vault, &mail()).as_deref(), Some(CANARY));
}

#[test]
fn another_key_opens_nothing_and_a_lost_one_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().set(&mail(), CANARY).unwrap();
    let KeySource::File(key) = key_file(folder.path()) else { panic!("a file") };
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(open(folder.path()), Err(VaultError::Io { .. })));
    assert!(!key.exists());
    std::fs::write(&key, "00".repeat(32)).unwrap();
    assert!(matches!(open(folder.path()), Err(VaultError::Unsealed)));
    std::fs::write(&key, kept).unwrap();
    assert_eq!(value(&open(folder.path()).unwrap(), &mail()).as_deref(), Some(CANARY));
}

#[test]
fn a_rotation_reseals_everything_and_a_running_server_follows() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).unwrap();
    running.set(&mail(), CANARY).unwrap();
    running.set(&token(), "another").unwrap();
    let KeySource::File(key) = key_file(folder.path()) else { panic!("a file") };
    let (old_key, old_file) =
        (std::fs::read(&key).unwrap(), std::fs::read(folder.path().join("credentials.sealed")).unwrap());
    assert_eq!(open(folder.path()).unwrap().rotate(None).unwrap(), 2);
    assert_ne!(std::fs::read(&key).unwrap(), old_key);
    assert_ne!(std::fs::read(folder.path().join("credentials.sealed")).unwrap(), old_file);
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(value(&running, &mail()).as_deref(), Some(CANARY));
    running.set(&mail(), "changed").unwrap();
    assert_eq!(value(&open(folder.path()).unwrap(), &mail()).as_deref(), Some("changed"));
    // The old key opens nothing any more.
    std::fs::write(&key, old_key).unwrap();
    assert!(matches!(open(folder.path()), Err(VaultError::Unsealed)));
}

#[test]
fn a_rotation_that_stops_anywhere_leaves_a_file_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let vault = open(folder.path()).unwrap();
    vault.set(&mail(), CANARY).unwrap();
    let (file, KeySource::File(key)) = (folder.path().join("credentials.sealed"), key_file(folder.path())) else {
        panic!("a file")
    };
    let (old_file, old_key) = (std::fs::read(&file).unwrap(), std::fs::read(&key).unwrap());
    vault.rotate(None).unwrap();
    let (new_file, new_key) = (std::fs::read(&file).unwrap(), std::fs::read(&key).unwrap());
    let next = with_suffix(&key, ".next");
    // Each state that a crash can leave: the key beside is written, then the file, then the key is in place.
    for (sealed, in_place, beside) in [
        (&old_file, &old_key, None),
        (&old_file, &old_key, Some(b"0011".as_slice())),
        (&old_file, &old_key, Some(new_key.as_slice())),
        (&new_file, &old_key, Some(new_key.as_slice())),
        (&new_file, &new_key, None),
    ] {
        std::fs::write(&file, sealed).unwrap();
        std::fs::write(&key, in_place).unwrap();
        _ = std::fs::remove_file(&next);
        if let Some(beside) = beside {
            std::fs::write(&next, beside).unwrap();
        }
        std::fs::write(with_suffix(&file, ".new"), b"half a file").unwrap();
        let vault = open(folder.path()).unwrap();
        assert_eq!(value(&vault, &mail()).as_deref(), Some(CANARY));
        vault.rotate(None).unwrap();
        assert_eq!(value(&open(folder.path()).unwrap(), &mail()).as_deref(), Some(CANARY));
    }
}

#[test]
fn a_key_that_is_kept_elsewhere_is_given_for_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let holder = folder.path().join("elsewhere");
    std::fs::write(&holder, "11".repeat(32)).unwrap();
    let source = KeySource::Command(vec!["cat".to_owned(), holder.display().to_string()]);
    let vault = Vault::open(folder.path().join("credentials.sealed"), source, Clock::default()).unwrap();
    vault.set(&mail(), CANARY).unwrap();
    assert!(matches!(vault.rotate(None), Err(VaultError::NewKeyNeeded)));
    let other = folder.path().join("other");
    std::fs::write(&other, "22".repeat(32)).unwrap();
    assert_eq!(vault.rotate(Some(Key::read_file(&other).unwrap())).unwrap(), 1);
    assert_eq!(value(&vault, &mail()).as_deref(), Some(CANARY));
}

#[test]
fn a_file_that_cannot_be_replaced_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let vault = open(folder.path()).unwrap();
    vault.set(&mail(), CANARY).unwrap();
    // A folder in the way of the file beside: it can be neither removed as a file nor written.
    std::fs::create_dir(folder.path().join("credentials.sealed.new")).unwrap();
    assert!(matches!(vault.set(&mail(), "changed"), Err(VaultError::Io { .. })));
    assert!(vault.rotate(None).is_err());
    assert_eq!(value(&open(folder.path()).unwrap(), &mail()).as_deref(), Some(CANARY));
}

#[test]
fn writers_do_not_lose_each_others_entries() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let vault = open(folder).unwrap();
                for entry in 0..5 {
                    vault.set(&Name::secret(&format!("{writer}-{entry}")).unwrap(), CANARY).unwrap();
                }
            });
        }
    });
    assert_eq!(open(folder.path()).unwrap().list().unwrap().len(), 20);
}

#[test]
fn sizes_and_names_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let vault = open(folder.path()).unwrap();
    assert!(vault.set(&mail(), &"x".repeat(VALUE_BYTES_MAX)).is_ok());
    assert!(matches!(vault.set(&mail(), &"x".repeat(VALUE_BYTES_MAX + 1)), Err(VaultError::TooLarge(..))));
    let long = Name::Token { integration: "a".repeat(NAME_BYTES_MAX + 1), person: "ana".to_owned() };
    assert!(matches!(vault.set(&long, "x"), Err(VaultError::TooLarge(..))));
    for name in ["", "a b", "ä", "a/b", &"x".repeat(129)] {
        assert!(Name::secret(name).is_err(), "{name:?}");
    }
    std::fs::write(folder.path().join("credentials.sealed"), vec![b'x'; super::file::FILE_BYTES_MAX + 1]).unwrap();
    assert!(matches!(vault.list(), Err(VaultError::TooLarge(..))));
}
