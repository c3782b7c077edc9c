//! Archives: what goes in comes out, and what is hostile stays out.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pipewright_runner::archive::{
    ArchiveError, ArchiveLimits, Cancel, Entry, Totals, convert_to_gzip, pack, unpack,
};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// A directory to unpack into, with something precious beside it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(place.path().join("in")).expect("a directory");
        std::fs::create_dir(place.path().join("outside")).expect("a directory");
        std::fs::write(place.path().join("outside/precious"), "precious").expect("a file");
        Self(place)
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("in")
    }

    fn unpack(&self, archive: &[u8]) -> Result<Totals, ArchiveError> {
        unpack(
            archive,
            &self.root(),
            ArchiveLimits::default(),
            &Cancel::default(),
        )
    }

    /// Fails where anything outside was touched.
    fn assert_safe(&self, what: &str) {
        let all: Vec<_> = std::fs::read_dir(self.0.path())
            .expect("a directory")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(all.len(), 2, "{what}: {all:?}");
        let outside: Vec<_> = std::fs::read_dir(self.0.path().join("outside"))
            .expect("a directory")
            .flatten()
            .collect();
        assert_eq!(outside.len(), 1, "{what}: {outside:?}");
        assert_eq!(
            std::fs::read_to_string(self.0.path().join("outside/precious")).expect("a file"),
            "precious",
            "{what}"
        );
    }
}

/// An archive whose header says whatever a test wants.
fn forged(entries: &[(&str, EntryType, &str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, link, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o6777);
        header.set_size(content.len() as u64);
        header.set_mtime(u64::MAX >> 32);
        // The library's own setters refuse such names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder
            .append(&header, content.as_bytes())
            .expect("appends");
    }
    zstd::encode_all(builder.into_inner().expect("ends").as_slice(), 1).expect("compresses")
}

#[test]
fn what_goes_in_comes_out() {
    let (from, to) = (Place::new(), Place::new());
    let root = from.root();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(150));
    for (file, content) in [
        ("a/run.sh", "#!/bin/sh"),
        ("größe", "ü"),
        (long.as_str(), "long"),
        ("empty", ""),
    ] {
        std::fs::create_dir_all(root.join(file).parent().expect("a parent")).expect("directories");
        std::fs::write(root.join(file), content).expect("a file");
    }
    std::fs::set_permissions(
        root.join("a/run.sh"),
        std::fs::Permissions::from_mode(0o4750),
    )
    .expect("rights");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::open(root.join("größe"))
        .expect("opens")
        .set_modified(time)
        .expect("sets");
    let mut entries: Vec<Entry> = ["a/run.sh", "größe", long.as_str(), "empty", "gone"]
        .map(|file| Entry::File(file.into()))
        .to_vec();
    entries.extend([
        Entry::Directory("hollow".into()),
        Entry::Link("a/link".into(), "run.sh".into()),
    ]);
    let target = format!("{}/{}", "d".repeat(120), "f".repeat(150));
    entries.push(Entry::Link("far".into(), target.clone().into()));
    let mut archive = Vec::new();
    let totals = pack(
        &root,
        &entries,
        &mut archive,
        ArchiveLimits::default(),
        &Cancel::default(),
    )
    .expect("packs");
    assert_eq!(
        (totals.files, totals.archive_bytes),
        (6, archive.len() as u64)
    );
    // What is in the way is replaced: a link, a directory, a file where a directory must be.
    std::os::unix::fs::symlink("../outside", to.root().join("a")).expect("a link");
    std::fs::create_dir_all(to.root().join("empty/full")).expect("directories");
    std::fs::write(to.root().join("d".repeat(120)), "a file").expect("a file");
    assert_eq!(to.unpack(&archive).expect("unpacks").files, 6);
    to.assert_safe("links in the way");
    let read = |file: &str| std::fs::read_to_string(to.root().join(file)).expect("a file");
    assert_eq!(
        [
            read("a/run.sh"),
            read("größe"),
            read(&long),
            read("empty"),
            read("a/link")
        ],
        ["#!/bin/sh", "ü", "long", "", "#!/bin/sh"]
    );
    assert_eq!(
        std::fs::read_link(to.root().join("far")).expect("a link"),
        Path::new(&target)
    );
    let about = |file: &str| std::fs::metadata(to.root().join(file)).expect("is there");
    assert_eq!(
        about("a/run.sh").permissions().mode() & 0o7777,
        0o755,
        "the executable bit and no other"
    );
    assert_eq!(about("größe").permissions().mode() & 0o7777, 0o644);
    assert_eq!(about("größe").modified().expect("a time"), time);
    assert!(about("hollow").is_dir());
}

#[test]
fn hostile_archives_leave_their_directory_alone() {
    use EntryType::{Block, Char, Fifo, Link, Regular, Symlink, XHeader};

    let cases: &[&[(&str, EntryType, &str, &str)]] = &[
        &[("../outside/new", Regular, "", "x")],
        &[("/tmp/pipewright-hostile", Regular, "", "x")],
        &[("a/../../outside/precious", Regular, "", "x")],
        &[("..", Regular, "", "x")],
        &[("", Regular, "", "x")],
        &[
            ("out", Symlink, "../outside", ""),
            ("out/precious", Regular, "", "x"),
        ],
        &[("out", Symlink, "/etc", "")],
        &[("a/b/up", Symlink, "../../../outside", "")],
        &[("here", Symlink, "a/../../outside", "")],
        &[("hard", Link, "../outside/precious", "")],
        &[("hard", Link, "/etc/passwd", "")],
        &[("device", Char, "", "")],
        &[("device", Block, "", "")],
        &[("pipe", Fifo, "", "")],
        &[("pax", XHeader, "", "25 path=../outside/new99\n")],
    ];
    for case in cases {
        let place = Place::new();
        let error = place.unpack(&forged(case)).expect_err("is refused");
        assert!(
            matches!(error, ArchiveError::Hostile { .. }),
            "{case:?}: {error}"
        );
        place.assert_safe(&format!("{case:?}"));
    }
    assert!(!Path::new("/tmp/pipewright-hostile").exists());
    // A link that stays inside is replaced, not followed, by what comes later under its name.
    let place = Place::new();
    place
        .unpack(&forged(&[
            ("a", Symlink, "b", ""),
            ("a/x", Regular, "", "x"),
        ]))
        .expect("unpacks");
    assert!(
        place
            .root()
            .join("a")
            .symlink_metadata()
            .expect("is there")
            .is_dir()
            && !place.root().join("b").exists()
    );
}

#[test]
fn archives_are_bounded() {
    let place = Place::new();
    let bomb = {
        let mut builder = Builder::new(zstd::Encoder::new(Vec::new(), 1).expect("an encoder"));
        let mut header = Header::new_gnu();
        header.set_size(64 << 20);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, "zeros", std::io::repeat(0).take(64 << 20))
            .expect("appends");
        builder.into_inner().expect("ends").finish().expect("ends")
    };
    assert!(bomb.len() < 100_000);
    let limits = ArchiveLimits {
        archive_bytes: 1000,
        unpacked_bytes: 1 << 20,
        entries: 2,
    };
    let error =
        unpack(bomb.as_slice(), &place.root(), limits, &Cancel::default()).expect_err("too much");
    assert!(matches!(error, ArchiveError::TooMuch(_)), "{error}");
    let many: Vec<_> = (0..10)
        .map(|_| ("same", EntryType::Regular, "", ""))
        .collect();
    let error = unpack(
        forged(&many).as_slice(),
        &place.root(),
        limits,
        &Cancel::default(),
    )
    .expect_err("too many");
    assert!(matches!(error, ArchiveError::TooMany(2)), "{error}");
    let endless = forged(&[
        (
            "././@LongLink",
            EntryType::GNULongName,
            "",
            &"n".repeat(10_000),
        ),
        ("x", EntryType::Regular, "", ""),
    ]);
    let error = place.unpack(&endless).expect_err("no such name");
    assert!(error.to_string().contains("a name longer than"), "{error}");

    // Noise does not compress.
    let mut noise = std::fs::File::create(place.root().join("noise")).expect("a file");
    let mut state = 1_u64;
    for _ in 0..10_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        noise.write_all(&state.to_le_bytes()).expect("writes");
    }
    let pack_with = |limits| {
        pack(
            &place.root(),
            &[Entry::File("noise".into())],
            std::io::sink(),
            limits,
            &Cancel::default(),
        )
    };
    let error = pack_with(limits).expect_err("too large");
    assert!(
        error.to_string().contains("larger than 1.0 kB compressed"),
        "{error}"
    );
    let error = pack_with(ArchiveLimits {
        unpacked_bytes: 10,
        ..ArchiveLimits::default()
    })
    .expect_err("too much");
    assert!(matches!(error, ArchiveError::TooMuch(10)), "{error}");
}

#[test]
fn a_broken_stream_is_an_error_and_never_a_panic() {
    let whole = forged(&[
        ("a", EntryType::Regular, "", &"content ".repeat(1000)),
        ("b", EntryType::Regular, "", "x"),
    ]);
    for cut in 1..whole.len() {
        let place = Place::new();
        assert!(
            place.unpack(&whole[..cut]).is_err(),
            "cut after {cut} of {}",
            whole.len()
        );
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        // Some damage is not seen; none leads out.
        let place = Place::new();
        let _ = place.unpack(&damaged);
        place.assert_safe(&format!("byte {at}"));
    }
}

#[test]
fn a_download_is_a_tar_gz_of_the_same_files() {
    let place = Place::new();
    let archive = forged(&[("a/b.txt", EntryType::Regular, "", "hello")]);
    let mut converted = Vec::new();
    convert_to_gzip(archive.as_slice(), &mut converted).expect("converts");
    let file = place.root().join("x.tar.gz");
    std::fs::write(&file, converted).expect("a file");
    let status = std::process::Command::new("tar")
        .arg("-xzf")
        .arg(&file)
        .arg("-C")
        .arg(place.root())
        .status()
        .expect("tar runs");
    assert!(status.success());
    assert_eq!(
        std::fs::read_to_string(place.root().join("a/b.txt")).expect("a file"),
        "hello"
    );
}

use std::io::Read as _;
