//! Yardsticks without a database: bytes from memory, and bytes to a file.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{self, Data, get},
};
use anyhow::{Context, Result};

/// Arguments of `bytes`.
#[derive(clap::Args)]
pub(crate) struct Bytes {
    /// Host and port to listen on
    #[arg(long)]
    listen: String,
    /// What `/bytes` answers
    #[arg(long)]
    file: PathBuf,
}

/// Arguments of `sink`.
#[derive(clap::Args)]
pub(crate) struct Sink {
    /// Host and port to listen on
    #[arg(long)]
    listen: String,
    /// Where the files go
    #[arg(long)]
    folder: PathBuf,
}

/// A bare handler that returns the same bytes to everybody.
#[expect(clippy::future_not_send, reason = "actix-web servers stay on their thread")]
pub(crate) async fn serve_bytes(args: Bytes) -> Result<()> {
    let bytes = Data::new(web::Bytes::from(std::fs::read(args.file)?));
    let answer = |bytes: Data<web::Bytes>| async move {
        HttpResponse::Ok().content_type("image/png").body(bytes.get_ref().clone())
    };
    HttpServer::new(move || {
        App::new().app_data(Data::clone(&bytes)).route("/bytes", get().to(answer))
    })
    .bind(args.listen)?
    .run()
    .await?;
    Ok(())
}

static FILES: AtomicU64 = AtomicU64::new(0);

/// `cat` from a socket to a file, with `fsync` at the end: a thread for each
/// connection, and as much HTTP as the load generator needs.
pub(crate) fn sink(args: &Sink) -> Result<()> {
    let listener = TcpListener::bind(&args.listen)?;
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            // A connection that breaks is the generator's to notice.
            scope.spawn(move || take(stream, args));
        }
    });
    Ok(())
}

fn take(stream: TcpStream, args: &Sink) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    loop {
        let mut length = None;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            let header = line.split_once(':');
            if let Some((name, value)) = header
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse::<u64>()?);
            }
        }
        let status = match length {
            None => "404 Not Found",
            Some(length) => {
                let number = FILES.fetch_add(1, Ordering::Relaxed);
                let path = args.folder.join(number.to_string());
                let mut file = std::fs::File::create(&path)?;
                std::io::copy(&mut reader.by_ref().take(length), &mut file)?;
                file.sync_all()?;
                std::fs::remove_file(&path).context("the file is gone")?;
                "201 Created"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes())?;
    }
}
