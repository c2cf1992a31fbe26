//! Signed notes and their keys, against what an independent implementation made.

use writ_trail::note::{self, Cosigner, NoteError, SIGNATURES_MAX, Signer, Verifier};

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
fn cosigning_gives_the_known_line() {
    let seed: Vec<u8> = (32..64).collect();
    let witness = Cosigner::new("witness.example.com/w1", &seed.try_into().unwrap()).unwrap();
    assert_eq!(witness.verifier().to_string(), WITNESS_KEY);
    let key = log().verifier();
    let cosigned = note::cosign(&log_note(), &key, &witness, 1_700_000_000).unwrap();
    assert_eq!(cosigned, format!("{TEXT}\n{LOG_LINE}{WITNESS_LINE}"));
    // Whoever else has signed is left out, an earlier cosignature too.
    let stranger = "\u{2014} stranger.example.com AAAAAAAA\n";
    let again = note::cosign(&format!("{cosigned}{stranger}"), &key, &witness, 1_700_000_000).unwrap();
    assert_eq!(again, cosigned);

    let unsigned = NoteError::Unsigned { name: "example.com/trail".to_owned() };
    assert_eq!(note::cosign(&format!("{TEXT}\n{stranger}"), &key, &witness, 0), Err(unsigned));
    let wrong = note::cosign(&log_note().replace("\n8\n", "\n9\n"), &key, &witness, 0);
    assert_eq!(wrong, Err(NoteError::WrongSignature { name: "example.com/trail".to_owned() }));
    let late = note::cosign(&log_note(), &key, &witness, u64::MAX).unwrap();
    assert!(note::open(&late, &witness.verifier()).is_err(), "a time that the format does not have");
}

#[test]
fn cosignatures_are_gathered() {
    let key = log().verifier();
    let witnesses: Vec<Cosigner> =
        (1..4).map(|seed| Cosigner::new(&format!("witness.example.com/{seed}"), &[seed; 32]).unwrap()).collect();
    let keys: Vec<Verifier> = witnesses.iter().map(Cosigner::verifier).collect();
    let notes: Vec<String> =
        witnesses.iter().map(|witness| note::cosign(&log_note(), &key, witness, 1_700_000_000).unwrap()).collect();
    let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
    let all = note::gather(&notes, &key, &keys).unwrap();
    assert_eq!(note::open_exactly(&all, &key, &keys), Ok(TEXT));
    // Nobody is there who was not asked for.
    let two = note::gather(&notes, &key, &keys[..2]).unwrap();
    assert_eq!(note::open_exactly(&two, &key, &keys[..2]), Ok(TEXT));
    assert_eq!(note::gather(&notes, &key, &[]), Ok(log_note()));

    let missing = NoteError::Unsigned { name: "witness.example.com/3".to_owned() };
    assert_eq!(note::gather(&notes[..2], &key, &keys), Err(missing));
    let other = log().sign("example.com/trail\n9\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n").unwrap();
    assert!(matches!(note::gather(&[notes[0], &other], &key, &[]), Err(NoteError::Format(_))));
    assert!(matches!(note::gather(&[], &key, &[]), Err(NoteError::Format(_))));
    let wrong = notes[1].replace("AABlU/EA", "AABlU/EB");
    let refused = NoteError::WrongSignature { name: "witness.example.com/2".to_owned() };
    assert_eq!(note::gather(&[notes[0], &wrong], &key, &keys[..2]), Err(refused));
}

#[test]
fn a_signer_shows_its_public_half_only() {
    assert_eq!(format!("{:?}", log()), format!("Signer({LOG_KEY})"));
    let witness = Cosigner::new("witness.example.com/w1", &[1; 32]).unwrap();
    assert_eq!(format!("{witness:?}"), format!("Cosigner({})", witness.verifier()));
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
    let unsigned = NoteError::Unsigned { name: name.clone() };
    assert_eq!(note::open_exactly(&log_note(), &key, &[witness()]), Err(unsigned), "each of them must have signed");
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
