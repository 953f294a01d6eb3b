//! A server of somebody else, which answers as it is told, however badly.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What the server does about it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers properly.
    Whole {
        /// The status.
        status: u16,
        /// More headers than `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Writes these bytes and hangs up.
    Raw(Vec<u8>),
    /// Writes the first bytes once and the second again and again, until the other
    /// side has had enough.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes these bytes, if any, and then nothing more, and does not hang up
    /// either.
    Stall(Vec<u8>),
}

impl Reply {
    /// A proper answer without headers of its own.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.into() }
    }

    /// The same with one header more, if it is a proper answer.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Whole { status, mut headers, body } => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Whole { status, headers, body }
            }
            other => other,
        }
    }
}

/// A server on a free port of this machine, which goes with the value. Every
/// connection carries one request.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    work: JoinHandle<()>,
}

type Answering = dyn Fn(&Asked) -> Reply + Send + Sync;

impl Upstream {
    /// Starts one that says the same to everybody.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn always(reply: Reply) -> io::Result<Self> {
        Self::answering("127.0.0.1", move |_| reply.clone()).await
    }

    /// Starts one at an address of this machine.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn answering(
        host: &str,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((host, 0)).await?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::default());
        let work = tokio::spawn(serve(listener, Arc::clone(&asked), Arc::new(answer)));
        Ok(Self { address, asked, work })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far. A connection counts even if nothing was asked on
    /// it.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn serve(listener: TcpListener, asked: Arc<Mutex<Vec<Asked>>>, answer: Arc<Answering>) {
    while let Ok((mut connection, _)) = listener.accept().await {
        let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
        tokio::spawn(async move {
            let request = read(&mut connection).await.unwrap_or_default();
            let reply = answer(&request);
            asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            // The other side may hang up whenever it likes.
            let _ = write(&mut connection, reply).await;
        });
    }
}

/// Reads a request, whose body has a length.
pub(crate) async fn read(connection: &mut TcpStream) -> io::Result<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if connection.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut asked = parse(&String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()));
    let length = asked.header("content-length").and_then(|length| length.parse().ok());
    asked.body = bytes.split_off(head + 4);
    while asked.body.len() < length.unwrap_or(0) {
        if connection.read_buf(&mut asked.body).await? == 0 {
            break;
        }
    }
    Ok(asked)
}

fn parse(head: &str) -> Asked {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers = lines.filter_map(|line| line.split_once(':'));
    Asked {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

async fn write(connection: &mut TcpStream, reply: Reply) -> io::Result<()> {
    match reply {
        Reply::Whole { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head = head + &name + ": " + &value + "\r\n";
            }
            connection.write_all((head + "connection: close\r\n\r\n").as_bytes()).await?;
            connection.write_all(&body).await?;
        }
        Reply::Raw(bytes) => connection.write_all(&bytes).await?,
        Reply::Endless(head, piece) => {
            connection.write_all(&head).await?;
            loop {
                connection.write_all(&piece).await?;
            }
        }
        Reply::Stall(bytes) => {
            connection.write_all(&bytes).await?;
            // Ends when the other side goes.
            while connection.read(&mut [0; 1024]).await? > 0 {}
        }
    }
    connection.shutdown().await
}
