//! The adapter: where each piece of work is done.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use understudy_domain::ports::{
    BlobReader, Documents, FoundImage, IconFiles, MediaError, Picture, Pictures, Raster,
};

use crate::{
    cache::{Drawn, Form},
    documents, drawing, favicon, jobs, kind, library,
    pool::{Body, Pool},
    protocol::{Job, Label, Piece},
    raster, svg, worker,
};

/// What an upload of a picture may weigh.
const MAX_PICTURE: usize = 5 * 1024 * 1024;
/// What a picture from a provider may weigh.
const MAX_FOREIGN: usize = 64 * 1024 * 1024;
/// The sides that pictures are drawn in.
const SIDES: std::ops::RangeInclusive<u32> = 16..=1_024;

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// A program that calls [`crate::worker::run`] at once.
    pub program: PathBuf,
    /// What it is called with.
    pub args: Vec<String>,
}

/// How media are worked on.
#[derive(Clone, Debug)]
pub struct MediaOptions {
    /// How a worker is started. Without one, pictures are decoded in this
    /// process, within the same limits of pixels and bytes but without those of
    /// memory and files, and documents are not taken apart at all.
    pub worker: Option<WorkerCommand>,
    /// How long a picture may take.
    pub picture_deadline: Duration,
    /// How long a document may take.
    pub document_deadline: Duration,
    /// How many are worked on at once.
    pub processes: usize,
}

impl Default for MediaOptions {
    fn default() -> Self {
        Self {
            worker: None,
            picture_deadline: Duration::from_secs(5),
            document_deadline: Duration::from_secs(20),
            processes: thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// Works on pictures and documents.
pub struct Media {
    pool: Option<Pool>,
    /// Room for work in this process.
    room: Arc<Semaphore>,
    drawn: Drawn,
    picture_deadline: Duration,
    document_deadline: Duration,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media").field("confined", &self.pool.is_some()).finish_non_exhaustive()
    }
}

impl Media {
    /// Nothing is started before there is work.
    #[must_use]
    pub fn new(options: MediaOptions) -> Self {
        let MediaOptions { worker, picture_deadline, document_deadline, processes } = options;
        Self {
            pool: worker.map(|command| Pool::new(command, processes)),
            room: Arc::new(Semaphore::new(processes.max(1))),
            drawn: Drawn::new(),
            picture_deadline,
            document_deadline,
        }
    }

    /// Work on a picture of others, confined if it can be.
    async fn decode(&self, job: Job, picture: Bytes) -> Result<Vec<Piece>, MediaError> {
        if let Some(pool) = &self.pool {
            return pool.run(job, Body::Bytes(picture), self.picture_deadline).await;
        }
        let work = self.off_thread(move || jobs::run(&job, picture.to_vec()));
        timeout(self.picture_deadline, work).await.unwrap_or(Err(MediaError::TooCostly))
    }

    async fn off_thread<T, F>(&self, work: F) -> Result<T, MediaError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, MediaError> + Send + 'static,
    {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.map_err(|closed| MediaError::Unavailable(Box::new(closed)))?;
        let work = spawn_blocking(move || {
            // The thread keeps its place also when nobody waits for it any more.
            let _room = room;
            work()
        });
        match work.await {
            Ok(outcome) => outcome,
            Err(_) => Err(worker::unreadable()),
        }
    }

    /// Draws, unless it was drawn before.
    async fn drawn<F>(&self, picture: &Picture, form: Form, draw: F) -> Result<Bytes, MediaError>
    where
        F: FnOnce(&Picture) -> Result<Vec<u8>, MediaError> + Send + 'static,
    {
        if let Some(drawn) = self.drawn.get(picture, form) {
            return Ok(drawn);
        }
        let own = picture.clone();
        let drawn = Bytes::from(self.off_thread(move || draw(&own)).await?);
        self.drawn.put(picture.clone(), form, drawn.clone());
        Ok(drawn)
    }
}

#[async_trait]
impl Pictures for Media {
    async fn make_icon(&self, upload: Bytes) -> Result<IconFiles, MediaError> {
        if upload.len() > MAX_PICTURE {
            return Err(MediaError::TooLarge("a picture has at most 5 MiB".to_owned()));
        }
        // What is refused by its first bytes needs no process.
        kind::tell(&upload)?;
        let mut pieces = self.decode(Job::Icon, upload).await?;
        let svg = take(&mut pieces, Label::Svg);
        let svg = svg.map(|piece| checked_svg(piece.bytes)).transpose()?;
        let png = checked_png(take(&mut pieces, Label::Png))?;
        let thumbnail = checked_png(take(&mut pieces, Label::Thumbnail))?.png;
        let Raster { png, width, height } = png;
        Ok(IconFiles { png, svg, width, height, thumbnail })
    }

    async fn reencode(
        &self,
        picture: Bytes,
        size: Option<(u32, u32)>,
    ) -> Result<Raster, MediaError> {
        if picture.len() > MAX_FOREIGN {
            return Err(MediaError::TooLarge("a picture has at most 64 MiB".to_owned()));
        }
        let mut pieces = self.decode(Job::Reencode { size }, picture).await?;
        checked_png(take(&mut pieces, Label::Png))
    }

    async fn draw(&self, picture: &Picture, size: u32) -> Result<Bytes, MediaError> {
        if !SIDES.contains(&size) {
            return Err(MediaError::Invalid("a picture has 16 to 1,024 pixels a side".to_owned()));
        }
        let form = Form::Square(size);
        self.drawn(picture, form, move |p| raster::to_png(&drawing::pixels(p, size)?)).await
    }

    async fn favicon(&self, picture: &Picture) -> Result<Bytes, MediaError> {
        self.drawn(picture, Form::Favicon, favicon::make).await
    }

    async fn vector(&self, picture: &Picture) -> Result<Option<Bytes>, MediaError> {
        // Fast enough to stay on this thread, but for finding an emoji again and again.
        if let Some(drawn) = self.drawn.get(picture, Form::Vector) {
            return Ok(Some(drawn));
        }
        let drawn = drawing::vector(picture)?;
        if let Some(svg) = &drawn {
            self.drawn.put(picture.clone(), Form::Vector, svg.clone());
        }
        Ok(drawn)
    }

    fn library_icon(&self, name: &str) -> Option<Bytes> {
        library::bare(name).map(Bytes::from)
    }
}

#[async_trait]
impl Documents for Media {
    async fn images(
        &self,
        media_type: &str,
        size: u64,
        document: Box<dyn BlobReader>,
    ) -> Result<Vec<FoundImage>, MediaError> {
        let format = documents::format(media_type)?;
        documents::check_size(size)?;
        let Some(pool) = &self.pool else {
            return Err(MediaError::Unavailable("no worker is configured".into()));
        };
        let body = Body::Stream { size, reader: document };
        let pieces = pool.run(Job::Images { format }, body, self.document_deadline).await?;
        pieces.into_iter().map(found).collect()
    }
}

fn take(pieces: &mut Vec<Piece>, label: Label) -> Option<Piece> {
    let index = pieces.iter().position(|piece| piece.label == label)?;
    Some(pieces.swap_remove(index))
}

/// A worker answers with what hostile bytes made of it, so that its answer is
/// looked at once more.
fn checked_png(piece: Option<Piece>) -> Result<Raster, MediaError> {
    let piece = piece.ok_or_else(worker::unreadable)?;
    if kind::raster(&piece.bytes) != Some(image::ImageFormat::Png) {
        return Err(worker::unreadable());
    }
    raster::check_size(piece.width, piece.height)?;
    Ok(Raster { png: piece.bytes.into(), width: piece.width, height: piece.height })
}

fn checked_svg(bytes: Vec<u8>) -> Result<Bytes, MediaError> {
    let text = std::str::from_utf8(&bytes).ok().ok_or_else(worker::unreadable)?;
    svg::verify(text)?;
    Ok(bytes.into())
}

fn found(piece: Piece) -> Result<FoundImage, MediaError> {
    let (content_type, format) = match piece.label {
        Label::Jpeg => ("image/jpeg", image::ImageFormat::Jpeg),
        _ => ("image/png", image::ImageFormat::Png),
    };
    if kind::raster(&piece.bytes) != Some(format) {
        return Err(worker::unreadable());
    }
    raster::check_size(piece.width, piece.height)?;
    let Piece { width, height, place, bytes, .. } = piece;
    Ok(FoundImage { content_type, bytes: bytes.into(), width, height, place })
}
