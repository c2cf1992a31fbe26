//! Signed notes and their keys, against what an independent implementation made.

use writ_trail::note::{self, NoteError, SIGNATURES_MAX, Signer, Verifier};

/// Made with another implementation of Ed25519, from the seed of bytes 0 to 31.
const LOG_KEY: &str = "example.com/trail+e0a97276+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
pub(crate) const TEXT: &str = "example.com/trail\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
const LOG_LINE: &str = "\u{2014} example.com/trail 4Klydl3+fo9Rkt8QkDE+ZyJhyluZ4rCuHO1DwX0iefdyXj9G69V61kcAJp/O25DbrisyF4PssFDx9MYpVehae6IWrQY=\n";

/// Likewise from bytes 32 to 63, as a witness that saw the note at second 1700000000.
const WITNESS_KEY: &str = "witness.example.com/w1+969980cf+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const WITNESS_LINE: &str = "\u{2014} witness.example.com/w1 lpmAzwAAAABlU/EAevuJOkQSKJQ7bsPwOpPy9Vdt/oskg3Z0ppRXxspyUjyVqfyP0ti6reXU59v3naM649UIpiQuY+G5TSfVIYpwCA==\n";

fn log() -> Signer {
    let seed: Vec<u8> = (0..32).collect();
    Signer::new("example.com/trail", &seed.try_into().unwrap()).unwrap()
}

fn witness() -> Verifier {
    WITNESS_KEY.parse().unwrap()
}

fn log_note() -> String {
    format!("{TEXT}\n{LOG_LINE}")
}

#[test]
fn signing_gives_the_known_note() {
    assert_eq!(log().verifier().to_string(), LOG_KEY);
    assert_eq!(log().sign(TEXT).unwrap(), log_note());
    assert_eq!(note::open(&log_note(), &LOG_KEY.parse().unwrap()), Ok(TEXT));
}

#[test]
fn a_signer_shows_its_public_half_only() {
    assert_eq!(format!("{:?}", log()), format!("Signer({LOG_KEY})"));
}

#[test]
fn verifier_keys_have_one_spelling() {
    let known = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    for key in [known, LOG_KEY, WITNESS_KEY] {
        assert_eq!(key.parse::<Verifier>().unwrap().to_string(), key);
    }
    for wrong in [
        "",
        "sum.golang.org",
        "sum.golang.org+033de0ae",
        "sum.golang.org+033DE0AE+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.com+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8=",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuA==",
    ] {
        assert!(wrong.parse::<Verifier>().is_err(), "{wrong:?}");
    }
}

#[test]
fn names_that_cannot_stand_in_a_line_are_refused() {
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\u{7f}b", "a".repeat(256).as_str()] {
        assert_eq!(Signer::new(name, &[1; 32]).unwrap_err(), NoteError::KeyName, "{name:?}");
    }
}

#[test]
fn only_text_that_can_be_read_back_is_signed() {
    for text in ["", "no newline", "a tab\t\n", "a return\r\n", "a\n".repeat(200_000).as_str()] {
        assert_eq!(log().sign(text), Err(NoteError::Text));
    }
    for text in ["\n", "\n\n", "a\n\n\nb\n", "a\n\n\u{2014} looks like a signature AAAAAA==\n"] {
        let note = log().sign(text).unwrap();
        assert_eq!(note::open(&note, &log().verifier()), Ok(text));
    }
}

#[test]
fn every_changed_bit_is_refused() {
    let key = log().verifier();
    let note = log_note();
    for position in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(note::open(&changed, &key).is_err(), "bit {bit} of byte {position}");
            }
        }
    }
}

#[test]
fn what_is_not_a_note_is_refused() {
    let key = log().verifier();
    let many = LOG_LINE.repeat(SIGNATURES_MAX + 1);
    for wrong in [
        String::new(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}{LOG_LINE}"),
        format!("{TEXT}\n{}", LOG_LINE.trim_end()),
        format!("{TEXT}\n{LOG_LINE}\n"),
        format!("{TEXT}\n{LOG_LINE}not a signature\n"),
        format!("{TEXT}\n{}", LOG_LINE.replace('\u{2014}', "-")),
        format!("{TEXT}\n{}", LOG_LINE.replace("trail ", "trail  ")),
        format!("{TEXT}\n{}", LOG_LINE.replace('=', "")),
        format!("{TEXT}\n{}", LOG_LINE.replace('\n', "\r\n")),
        format!("{TEXT}\n\u{2014} example.com/trail 4Klydg==\n"),
        format!("{TEXT}\n{LOG_LINE}\u{2014} a+b 4Klydl3+\n"),
        format!("{TEXT}\n{many}"),
    ] {
        let error = note::open(&wrong, &key).unwrap_err();
        assert!(matches!(error, NoteError::Format(_)), "{wrong:?}: {error}");
    }
}

#[test]
fn strangers_are_passed_over_unless_every_signature_counts() {
    let key = log().verifier();
    let stranger = "\u{2014} example.com/trail AAAAAAAA\n";
    let note = format!("{TEXT}\n{stranger}{LOG_LINE}");
    assert_eq!(note::open(&note, &key), Ok(TEXT));
    let refused = NoteError::Stranger { name: "example.com/trail".to_owned() };
    assert_eq!(note::open_exactly(&note, &key, &[]), Err(refused));

    let unsigned = NoteError::Unsigned { name: "example.com/trail".to_owned() };
    let note = format!("{TEXT}\n{stranger}");
    assert_eq!(note::open(&note, &key), Err(unsigned));
}

#[test]
fn a_wrong_signature_beside_a_right_one_is_refused() {
    let other = log().sign("another text\n").unwrap();
    let (_, line) = other.split_once("\n\n").unwrap();
    let wrong = NoteError::WrongSignature { name: "example.com/trail".to_owned() };
    let note = format!("{TEXT}\n{LOG_LINE}{line}");
    assert_eq!(note::open(&note, &log().verifier()), Err(wrong));
}

#[test]
fn witnesses_count_where_they_are_named() {
    let key = log().verifier();
    let name = "witness.example.com/w1".to_owned();
    let note = format!("{TEXT}\n{LOG_LINE}{WITNESS_LINE}");
    assert_eq!(note::open(&note, &key), Ok(TEXT));
    assert_eq!(note::open(&note, &witness()), Ok(TEXT));
    assert_eq!(note::open_exactly(&note, &key, &[witness()]), Ok(TEXT));
    let refused = NoteError::Stranger { name: name.clone() };
    assert_eq!(note::open_exactly(&note, &key, &[]), Err(refused));

    let twice = format!("{note}{WITNESS_LINE}");
    let refused = NoteError::Repeated { name: name.clone() };
    assert_eq!(note::open_exactly(&twice, &key, &[witness()]), Err(refused));

    let later = note.replace("AABlU/EA", "AABlU/EB");
    let refused = NoteError::WrongSignature { name };
    assert_eq!(note::open_exactly(&later, &key, &[witness()]), Err(refused));

    let alone = format!("{TEXT}\n{WITNESS_LINE}");
    let refused = NoteError::Unsigned { name: "example.com/trail".to_owned() };
    assert_eq!(note::open_exactly(&alone, &key, &[witness()]), Err(refused));
}
