//! The drawings that `cargo xtask icons` wrote: a zip of pages, each of lines
//! `name<TAB>markup`, sorted by name.

use std::io::{Cursor, Read};

use understudy_domain::ports::MediaError;
use zip::ZipArchive;

type Archive = ZipArchive<Cursor<&'static [u8]>>;

/// A set of drawings.
pub(crate) struct Pages {
    archive: Archive,
    /// The first name on each page, sorted.
    first: Vec<String>,
}

impl Pages {
    /// Opens a set that is part of the program.
    pub(crate) fn open(data: &'static [u8]) -> Result<Self, MediaError> {
        let archive = ZipArchive::new(Cursor::new(data)).map_err(unavailable)?;
        let names = archive.file_names().map(|name| name.map(std::borrow::Cow::into_owned));
        let mut first = names.collect::<Result<Vec<String>, _>>().map_err(unavailable)?;
        first.sort();
        Ok(Self { archive, first })
    }

    /// The drawing of this name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<String>, MediaError> {
        let behind = self.first.partition_point(|first| first.as_str() <= name);
        let page = behind.checked_sub(1).and_then(|index| self.first.get(index));
        let Some(page) = page else { return Ok(None) };
        let page = self.page(page)?;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        Ok(line.map(str::to_owned))
    }

    /// All pages, one behind another.
    pub(crate) fn all(&self) -> Result<String, MediaError> {
        self.first.iter().map(|page| self.page(page)).collect()
    }

    fn page(&self, name: &str) -> Result<String, MediaError> {
        // A clone shares the list of pages.
        let mut archive = self.archive.clone();
        let mut page = String::new();
        archive
            .by_name(name)
            .map_err(unavailable)?
            .read_to_string(&mut page)
            .map_err(unavailable)?;
        Ok(page)
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> MediaError {
    MediaError::Unavailable(Box::new(error))
}
