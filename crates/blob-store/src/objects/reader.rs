//! Giving an object out.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, path::Path};
use understudy_domain::ports::{BlobError, BlobReader, BlobResult};

use crate::errors::on_object;

/// A reader gets no more at once.
const READ_BYTES: usize = 1 << 20;
/// How often in a row a broken transfer is taken up again without any progress.
const RESUMES: u32 = 3;

/// An object that is being read. A transfer that breaks is taken up where it broke:
/// the client does that too, but only in its first seconds.
pub(super) struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What is still to come.
    left: Range<u64>,
    /// Which version of the object this is.
    tag: Option<String>,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    /// What came, but was too much at once.
    held: Bytes,
}

impl ObjectReader {
    pub(super) async fn open(
        store: Arc<dyn ObjectStore>,
        path: Path,
        range: Option<Range<u64>>,
    ) -> BlobResult<Self> {
        if let Some(range) = range.clone().filter(Range::is_empty) {
            // There is no way to ask for nothing.
            store.head(&path).await.map_err(on_object)?;
            let stream = stream::empty().boxed();
            return Ok(Self { store, path, left: range, tag: None, stream, held: Bytes::new() });
        }
        let got = get(&*store, &path, range, None).await?;
        let (left, tag) = (got.range.clone(), got.meta.e_tag.clone());
        Ok(Self { store, path, left, tag, stream: got.into_stream(), held: Bytes::new() })
    }

    /// What comes next, however much; nothing at the end.
    async fn receive(&mut self) -> BlobResult<Bytes> {
        let mut resumes = 0;
        while !self.left.is_empty() {
            match self.stream.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => return Ok(bytes),
                None => return Err(BlobError::Damaged("the object ended early".into())),
                Some(Err(error)) if resumes == RESUMES => return Err(on_object(error)),
                Some(Err(_)) => {
                    resumes += 1;
                    let left = Some(self.left.clone());
                    let got = get(&*self.store, &self.path, left, self.tag.clone()).await?;
                    self.stream = got.into_stream();
                }
            }
        }
        Ok(Bytes::new())
    }
}

#[async_trait]
impl BlobReader for ObjectReader {
    async fn next(&mut self) -> BlobResult<Option<Bytes>> {
        if self.held.is_empty() {
            self.held = self.receive().await?;
        }
        let piece = self.held.split_to(READ_BYTES.min(self.held.len()));
        if piece.is_empty() {
            return Ok(None);
        }
        self.left.start += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Ok(Some(piece))
    }
}

async fn get(
    store: &dyn ObjectStore,
    path: &Path,
    range: Option<Range<u64>>,
    tag: Option<String>,
) -> BlobResult<GetResult> {
    let asked = range.clone().map(GetRange::Bounded);
    let options = GetOptions { range: asked, if_match: tag, ..GetOptions::default() };
    let got = store.get_opts(path, options).await.map_err(on_object)?;
    if range.is_some_and(|range| range != got.range) {
        return Err(BlobError::Damaged("the object is shorter than it should be".into()));
    }
    Ok(got)
}
