//! Files and icons: how fast they come and go, and what memory that takes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{scene::Scene, tell};
use crate::{
    api::{self, Caller},
    client::{Connection, request, request_head},
    load::Step,
    machine,
    report::Report,
    rounds::{Contender, Figures, Pace, alternate, number},
    system::{ADMINISTRATOR, Server},
};

const MEBIBYTE: u64 = 1_024 * 1_024;
/// Connections that move large files at the same time.
const MOVERS: u32 = 4;
const BOUNDARY: &str = "bench-boundary-bench";

/// Measures all of it.
pub(super) async fn measure(
    scene: &Scene,
    pace: Pace,
    quick: bool,
    report: &mut Report,
) -> Result<()> {
    let mut caller = Caller::with_headers(&scene.server.address, &scene.member.headers).await?;
    let made = caller.call("POST", "/api/assistants", &api::assistant("Content")?).await?;
    let assistant = format!("/api/assistants/{}", api::text(&made, "id")?);
    let megabytes = if quick { 10 } else { 100 };
    let movers = Pace { connections: MOVERS, ..pace };

    tell("upload of a large file");
    uploads(scene, movers, megabytes, report).await?;
    tell("download of a large file");
    let (address, headers) = (&scene.server.address, &scene.member.headers);
    let large = attach((address, headers), &assistant, megabytes * MEBIBYTE).await?;
    downloads(scene, movers, (&large, megabytes), report).await?;
    for (what, path) in [("favicon", "/favicon.ico"), ("icon at 64 pixels", "/icon?size=64")] {
        tell(what);
        let path = format!("{assistant}{path}");
        rendered(scene, pace, (what, &path), report).await?;
    }
    let gibibytes = if quick { 1 } else { 2 };
    tell("memory of a large upload and download");
    memory(scene, gibibytes, report).await
}

/// A multipart body with one file, whose bytes stand at `{filler}`.
fn form() -> String {
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"large.bin\"\r\n\r\n";
    format!("--{BOUNDARY}\r\n{head}{{filler}}\r\n--{BOUNDARY}--\r\n")
}

/// The headers for such a body.
fn form_headers(headers: &[String]) -> Vec<String> {
    let kept = headers.iter().filter(|header| !header.starts_with("Content-Type"));
    let kind = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
    kept.cloned().chain([kind]).collect()
}

fn upload(size: u64) -> Step {
    Step::new("POST", "/api/uploads", &form(), 201).filled(size)
}

async fn uploads(scene: &Scene, pace: Pace, megabytes: u64, report: &mut Report) -> Result<()> {
    let folder = scene.place.folder.join("sink");
    std::fs::create_dir_all(&folder)?;
    let sink = [format!("--folder={}", folder.display())];
    let sink = Server::own("sink", &sink, &scene.place.folder.join("sink.log")).await?;
    let size = megabytes * MEBIBYTE;
    let headers = form_headers(&scene.member.headers);
    let on = |server: &Server| -> Result<Contender<'_>> {
        let (folder, families) = (&scene.place.folder, vec![server.family()?]);
        Ok(Contender::requests(
            folder,
            families,
            &server.address,
            &headers,
            vec![upload(size)],
            &[],
        ))
    };
    let mut contenders = [on(&sink)?, on(&scene.server)?];
    let figures = alternate(&mut contenders, pace).await?;
    let what = format!("upload of {megabytes} MiB, {MOVERS} at a time, against `cat` and `fsync`");
    row(report, &what, 0.6, &figures);
    Ok(())
}

/// Attaches a file of `size` bytes to the assistant; returns the path of its bytes.
async fn attach(
    (address, headers): (&str, &[String]),
    assistant: &str,
    size: u64,
) -> Result<String> {
    let form = form();
    let (begin, end) = form.split_once("{filler}").context("no filler")?;
    let length = size + u64::try_from(begin.len() + end.len())?;
    let path = format!("{assistant}/files/_upload");
    let mut head = request_head("POST", &path, &form_headers(headers), length);
    head.extend_from_slice(begin.as_bytes());
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange_filled([&head, end.as_bytes()], size).await?;
    ensure!(answer.status == 201, "the file was not taken: {}", answer.status);
    let file: Value = serde_json::from_slice(answer.body)?;
    Ok(format!("{assistant}/files/{}/contents", api::text(&file, "id")?))
}

async fn downloads(
    scene: &Scene,
    pace: Pace,
    (large, megabytes): (&str, u64),
    report: &mut Report,
) -> Result<()> {
    let what =
        format!("download of {megabytes} MiB, {MOVERS} at a time, against nginx with sendfile");
    let folder = scene.place.folder.join("nginx");
    std::fs::create_dir_all(folder.join("root"))?;
    let bytes = vec![7_u8; usize::try_from(megabytes * MEBIBYTE)?];
    std::fs::write(folder.join("root/large"), bytes)?;
    let Some(nginx) = Server::nginx(NGINX, &folder).await? else {
        report.size(&what, "not measured: there is no nginx".to_owned(), "≥ 0.7");
        return Ok(());
    };
    let on = |server: &Server, path: &str| -> Result<Contender<'_>> {
        let (folder, families) = (&scene.place.folder, vec![server.family()?]);
        let (headers, steps) = (&scene.member.headers, vec![Step::new("GET", path, "", 200)]);
        Ok(Contender::requests(folder, families, &server.address, headers, steps, &[]))
    };
    let mut contenders = [on(&nginx, "/large")?, on(&scene.server, large)?];
    let figures = alternate(&mut contenders, pace).await?;
    row(report, &what, 0.7, &figures);
    Ok(())
}

const NGINX: &str = "
user root;
worker_processes 2;
pid nginx.pid;
error_log /dev/null;
events {}
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server { listen {address}; root root; }
}
";

/// A picture that was rendered once, against a bare handler with the same bytes.
async fn rendered(
    scene: &Scene,
    pace: Pace,
    (what, path): (&str, &str),
    report: &mut Report,
) -> Result<()> {
    let mut connection = Connection::open(&scene.server.address).await?;
    let answer = connection.exchange(&request("GET", path, &scene.member.headers, "")).await?;
    ensure!(answer.status == 200, "{path} answers {}", answer.status);
    let file = scene.place.folder.join("picture");
    std::fs::write(&file, answer.body)?;
    let bare = [format!("--file={}", file.display())];
    let bare = Server::own("bytes", &bare, &scene.place.folder.join("bytes.log")).await?;
    let step = |path: &str| vec![Step::new("GET", path, "", 200)];
    let mut contenders =
        [scene.contender(&bare, step("/bytes"))?, scene.contender(&scene.server, step(path))?];
    let figures = alternate(&mut contenders, pace).await?;
    row(report, &format!("{what}, against a bare handler with its bytes"), 0.8, &figures);
    Ok(())
}

fn row(report: &mut Report, what: &str, goal: f64, figures: &[Figures]) {
    if let [yardstick, service] = figures {
        report.speed(what, "–", goal, [*yardstick, *service]);
    }
}

/// What memory a service needs for one large file, beyond what it has idle.
async fn memory(scene: &Scene, gibibytes: u64, report: &mut Report) -> Result<()> {
    let mut place = scene.place.clone();
    place.folder = scene.place.folder.join("fresh");
    place.database = None;
    std::fs::create_dir_all(&place.folder)?;
    let server = Server::start(&place).await?;
    let headers = [format!("Authorization: Bearer {ADMINISTRATOR}")];
    let mut caller = Caller::new(&server.address, ADMINISTRATOR).await?;
    let made = caller.call("POST", "/api/assistants", &json!({"name": "Large"})).await?;
    let assistant = format!("/api/assistants/{}", api::text(&made, "id")?);
    let idle = machine::resident_kib(server.id()?)?;

    let size = gibibytes * 1_024 * MEBIBYTE;
    let path = attach((&server.address, &headers), &assistant, size).await?;
    let up = machine::peak_kib(server.id()?)?;
    let mut connection = Connection::open(&server.address).await?;
    let answer = connection.exchange(&request("GET", &path, &headers, "")).await?;
    ensure!(answer.status == 200, "the file does not come back: {}", answer.status);
    let down = machine::peak_kib(server.id()?)?;
    server.stop().await?;
    for (what, peak) in [("upload", up), ("upload and a download", down)] {
        let over = number(peak.saturating_sub(idle)) / 1_024.0;
        let what = format!("peak memory over idle, a {gibibytes} GiB {what}");
        report.size(&what, format!("{over:.1} MiB"), "≤ 32 MiB");
    }
    Ok(())
}
