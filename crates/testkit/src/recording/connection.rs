//! The writing of an answer.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    answer::{Answer, End},
    frames::Frame,
};

/// Writes the answer as it is meant, and says as soon as it told of the end.
pub(super) async fn write(
    connection: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
    told: &AtomicBool,
) -> io::Result<()> {
    if answer.has_head {
        connection.write_all(head(answer).as_bytes()).await?;
        body(connection, answer, told).await?;
    }
    match answer.end {
        End::Proper if answer.is_streamed => connection.write_all(b"0\r\n\r\n").await?,
        End::Proper | End::Cut => {}
        End::Silence => std::future::pending().await,
    }
    told.store(true, Ordering::Release);
    connection.shutdown().await
}

/// Returns when the other side has gone.
pub(super) async fn gone(connection: &mut (impl AsyncRead + Unpin)) {
    while matches!(connection.read(&mut [0; 1024]).await, Ok(1..)) {}
}

async fn body(
    connection: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
    told: &AtomicBool,
) -> io::Result<()> {
    let until_told = answer.frames.iter().rposition(|frame| frame.ends);
    let until_told =
        until_told.map_or(usize::MAX, |last| bytes(answer.frames.iter().take(last + 1)));
    let mut written = 0;
    for piece in pieces(answer) {
        if let Some(tap) = &answer.tap {
            tap.pass().await;
        }
        written += piece.len();
        if written >= until_told {
            told.store(true, Ordering::Release);
        }
        let mut chunk = piece;
        if answer.is_streamed {
            chunk = [format!("{:x}\r\n", chunk.len()).as_bytes(), &chunk, b"\r\n"].concat();
        }
        connection.write_all(&chunk).await?;
        connection.flush().await?;
    }
    Ok(())
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} Said\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head = head + name + ": " + value + "\r\n";
    }
    if answer.is_streamed {
        return head + "transfer-encoding: chunked\r\n\r\n";
    }
    // What is cut or never comes is announced, or nobody would miss it.
    let missing = usize::from(answer.end != End::Proper);
    head + &format!("content-length: {}\r\n\r\n", bytes(answer.frames.iter()) + missing)
}

fn pieces(answer: &Answer) -> Vec<Vec<u8>> {
    let whole = answer.frames.iter().map(|frame| frame.bytes.clone());
    let Some(size) = answer.piece else {
        return whole.collect();
    };
    whole.collect::<Vec<_>>().concat().chunks(size).map(<[u8]>::to_vec).collect()
}

fn bytes<'a>(frames: impl Iterator<Item = &'a Frame>) -> usize {
    frames.map(|frame| frame.bytes.len()).sum()
}
