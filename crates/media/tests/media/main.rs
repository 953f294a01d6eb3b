//! What the adapter makes of pictures and documents, with a real worker.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test panics"
)]

mod active;
mod confinement;
mod documents;
mod drawings;
mod rasters;
mod vectors;

use std::path::PathBuf;

use bytes::Bytes;
use understudy_media::{Media, MediaOptions, WorkerCommand};

/// The adapter with workers.
fn confined() -> Media {
    with_worker(env!("CARGO_BIN_EXE_understudy-media-worker"), &[])
}

fn with_worker(program: &str, args: &[&str]) -> Media {
    Media::new(options(program, args))
}

fn options(program: &str, args: &[&str]) -> MediaOptions {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let worker = Some(WorkerCommand { program: program.into(), args });
    // Test machines are slow and busy; what is refused by time has tests of its own.
    let patient = std::time::Duration::from_mins(2);
    MediaOptions {
        worker,
        picture_deadline: patient,
        document_deadline: patient,
        ..MediaOptions::default()
    }
}

/// A file that other software made.
fn data(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}")).into()
}

/// The pixels of a PNG.
fn pixels(png: &[u8]) -> image::RgbaImage {
    image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap().into_rgba8()
}

/// The names of a PNG's chunks.
fn chunks(png: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = &png[8..];
    while rest.len() >= 12 {
        let length = usize::try_from(u32::from_be_bytes(rest[..4].try_into().unwrap())).unwrap();
        names.push(String::from_utf8(rest[4..8].to_vec()).unwrap());
        rest = &rest[12 + length..];
    }
    names
}
