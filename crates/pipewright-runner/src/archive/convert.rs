//! An archive for people: what every system opens.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Reads an archive and writes it as a `.tar.gz`, both as streams. Blocking.
pub fn convert_to_gzip(source: impl Read, target: impl Write) -> io::Result<()> {
    let mut decoder = zstd::Decoder::new(source)?;
    let mut encoder = GzEncoder::new(target, Compression::fast());
    io::copy(&mut decoder, &mut encoder)?;
    encoder.finish()?.flush()
}
