//! Vendors the drawings of the icon library and of emoji.
//!
//! They come from two packages of the npm registry, whose versions stand here.
//! Each set becomes one zip of pages, a page being lines of `name<TAB>markup`
//! sorted by name: neighbours are alike and compress well together, and one
//! drawing costs the inflation of one page.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{process, workspace::Workspace};

const ICONS: &str = "lucide-static@1.62.0";
const EMOJI: &str = "@discordapp/twemoji@16.0.1";
/// How large a page is before it is compressed.
const PAGE: usize = 64 * 1024;

type Drawings = BTreeMap<String, String>;

/// Downloads the sets and writes `crates/media/data` and the list of names.
pub(crate) async fn run() -> anyhow::Result<std::process::ExitCode> {
    let Workspace { root, .. } = Workspace::find().await?;
    let data = root.join("crates/media/data");
    fs::create_dir_all(&data)?;
    let scratch = tempfile::tempdir()?;

    let lucide = unpack(ICONS, &scratch.path().join("icons")).await?;
    let icons = icons(&lucide.join("icons"))?;
    write_pages(&icons, &data.join("icons.zip"))?;
    fs::copy(lucide.join("LICENSE"), data.join("icons.LICENSE"))?;
    let mut names = format!("# Lucide (ISC licence), {ICONS}; written by `cargo xtask icons`.\n");
    for name in icons.keys() {
        names.push_str(name);
        names.push('\n');
    }
    fs::write(root.join("crates/domain/data/icons.txt"), names)?;

    let twemoji = unpack(EMOJI, &scratch.path().join("emoji")).await?;
    let emoji = emoji(&twemoji.join("dist/svg"))?;
    write_pages(&emoji, &data.join("emoji.zip"))?;
    fs::copy(twemoji.join("LICENSE"), data.join("emoji.LICENSE"))?;
    eprintln!("{} icons, {} emoji", icons.len(), emoji.len());
    Ok(std::process::ExitCode::SUCCESS)
}

/// Fetches an npm package into `to`; the folder of its files.
async fn unpack(package: &str, to: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(to)?;
    let mut npm = tokio::process::Command::new("npm");
    npm.args(["pack", "--silent", package]).current_dir(to);
    process::output(&mut npm).await?;
    let archive = files(to)?.into_iter().next().context("npm pack wrote nothing")?;
    let mut tar = tokio::process::Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(to);
    process::output(&mut tar).await?;
    Ok(to.join("package"))
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

fn svg_files(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for path in files(folder)? {
        if path.extension().is_some_and(|extension| extension == "svg") {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).context("a name")?;
            found.push((stem.to_owned(), fs::read_to_string(&path)?));
        }
    }
    ensure!(!found.is_empty(), "{} holds no SVG", folder.display());
    Ok(found)
}

/// What is inside of the root element, on one line.
fn icons(folder: &Path) -> anyhow::Result<Drawings> {
    let mut drawings = Drawings::new();
    for (name, svg) in svg_files(folder)? {
        let (start, inner) = split(&svg).with_context(|| name.clone())?;
        ensure!(start.contains("viewBox=\"0 0 24 24\""), "{name} has another view box");
        drawings.insert(name, inner);
    }
    Ok(drawings)
}

/// The same, by code points in hex without the variation selector.
fn emoji(folder: &Path) -> anyhow::Result<Drawings> {
    let mut drawings = Drawings::new();
    for (stem, svg) in svg_files(folder)? {
        let points: Vec<&str> = stem.split('-').filter(|point| *point != "fe0f").collect();
        let name = points.join("-");
        let (start, mut inner) = split(&svg).with_context(|| stem.clone())?;
        let view_box = attribute(start, "viewBox").with_context(|| stem.clone())?;
        if view_box != "0 0 36 36" {
            inner = format!("<svg width=\"36\" height=\"36\" viewBox=\"{view_box}\">{inner}</svg>");
        }
        if drawings.insert(name, inner).is_some() {
            bail!("{stem} is there twice");
        }
    }
    Ok(drawings)
}

/// The attributes of the root element, and what is inside of it.
fn split(svg: &str) -> anyhow::Result<(&str, String)> {
    let (_, from_root) = svg.split_once("<svg").context("no root element")?;
    let (start, rest) = from_root.split_once('>').context("the root element does not end")?;
    let (inner, _) = rest.rsplit_once("</svg>").context("the root element is not closed")?;
    let inner: String = inner.lines().map(str::trim).collect();
    ensure!(!inner.contains('\t'), "a tab, which divides names from markup");
    Ok((start, inner.replace(" />", "/>")))
}

fn attribute<'a>(start: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = start.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Writes pages named by their first drawing.
fn write_pages(drawings: &Drawings, to: &Path) -> anyhow::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(fs::File::create(to)?);
    let mut room = 0;
    for (name, markup) in drawings {
        let line = format!("{name}\t{markup}\n");
        if room < line.len() {
            zip.start_file(name, options)?;
            room = PAGE;
        }
        room = room.saturating_sub(line.len());
        zip.write_all(line.as_bytes())?;
    }
    zip.finish()?;
    Ok(())
}
