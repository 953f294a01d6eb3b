//! What a worker can do, and what becomes of one that does not do its work.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use understudy_domain::ports::{MediaError, Pictures};
use understudy_media::Media;

use crate::{data, options, with_worker};

const WORKER: &str = env!("CARGO_BIN_EXE_understudy-media-worker");

/// The lines of a file about a process, without runs of spaces.
fn about(process: u32, file: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_worker_has_no_rights_before_it_reads_what_a_user_sent() {
    let mut worker = Command::new(WORKER)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let request = br#"{"job":"Icon","size":1}"#;
    let mut stdin = worker.stdin.take().unwrap();
    stdin.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    stdin.write_all(request).unwrap();
    // It now waits for a byte that does not come, unless it has ended, which
    // leaves nothing to read here and fails the test.
    while !about(worker.id(), "status").contains("\nSeccomp: 2") {
        assert!(worker.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    let status = about(worker.id(), "status");
    assert!(status.contains("\nNoNewPrivs: 1"), "{status}");
    assert!(status.contains("\nThreads: 1"), "{status}");
    let limits = about(worker.id(), "limits");
    for limit in [
        "Max address space 536870912 536870912 bytes",
        "Max cpu time 5 5 seconds",
        "Max file size 0 0 bytes",
        "Max core file size 0 0 bytes",
        "Max processes 0 0 processes",
        "Max open files 8 8 files",
    ] {
        assert!(limits.contains(limit), "{limit} is not in\n{limits}");
    }
    drop(stdin);
    assert!(!worker.wait().unwrap().success(), "it was promised a byte");
}

#[tokio::test]
async fn a_worker_that_does_not_answer_is_ended() {
    let options = understudy_media::MediaOptions {
        picture_deadline: Duration::from_millis(50),
        ..options("sleep", &["1000"])
    };
    let outcome = Media::new(options).make_icon(data("photo.jpg")).await;
    assert!(matches!(outcome, Err(MediaError::TooCostly)), "{outcome:?}");
}

#[tokio::test]
async fn a_picture_that_takes_too_long_is_given_up() {
    let options = understudy_media::MediaOptions {
        picture_deadline: Duration::from_millis(300),
        ..options(WORKER, &[])
    };
    let rects = "<rect width='99' height='99' filter='url(#f)'/>".repeat(5_000);
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='1024' height='1024'><filter id='f' x='0' \
         y='0' width='11' height='11'><feTurbulence baseFrequency='.1' numOctaves='9'/></filter>\
         {rects}</svg>"
    );
    let outcome = Media::new(options).make_icon(svg.into()).await;
    assert!(matches!(outcome, Err(MediaError::TooCostly)), "{outcome:?}");
}

#[tokio::test]
async fn a_worker_that_is_not_there_is_no_fault_of_the_picture() {
    for (program, args) in [
        ("/no/such/program", &[][..]),
        ("false", &[]),
        ("true", &[]),
        ("sh", &["-c", "exit 70"]),
        ("head", &["-c", "3", "/dev/zero"]),
    ] {
        let outcome = with_worker(program, args).make_icon(data("photo.jpg")).await;
        assert!(matches!(outcome, Err(MediaError::Unavailable(_))), "{program}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_took_too_much() {
    let outcome = with_worker("sh", &["-c", "kill -KILL $$"]).make_icon(data("photo.jpg")).await;
    assert!(matches!(outcome, Err(MediaError::TooCostly)), "{outcome:?}");
    let aborted = "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$";
    let outcome = with_worker("sh", &["-c", aborted]).make_icon(data("photo.jpg")).await;
    assert!(matches!(outcome, Err(MediaError::TooCostly)), "{outcome:?}");
    let outcome = with_worker("sh", &["-c", "kill -SEGV $$"]).make_icon(data("photo.jpg")).await;
    assert!(matches!(outcome, Err(MediaError::Invalid(_))), "{outcome:?}");
}

#[tokio::test]
async fn what_a_worker_says_is_not_believed() {
    // Headers and bytes as a worker would write them that was taken over.
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>";
    let piece = |label: &str, length: usize| {
        format!(
            "{{\"label\":\"{label}\",\"width\":1,\"height\":1,\"place\":\"\",\"length\":{length}}}"
        )
    };
    for (header, bytes) in [
        (format!("{{\"Done\":[{}]}}", piece("Svg", svg.len())), svg.to_owned()),
        (format!("{{\"Done\":[{}]}}", piece("Png", 6)), "<html>".to_owned()),
        ("{\"Done\":[]}".to_owned(), String::new()),
    ] {
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        let octal = length.map(|byte| format!("\\{byte:03o}")).concat();
        let script = format!("cat >/dev/null; printf '{octal}%s' '{header}{bytes}'");
        let outcome = with_worker("sh", &["-c", &script]).make_icon(data("photo.jpg")).await;
        let held = matches!(outcome, Err(MediaError::Invalid(_) | MediaError::Unsupported(_)));
        assert!(held, "{header}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let header =
        r#"{"Done":[{"label":"Png","width":1,"height":1,"place":"","length":9000000000}]}"#;
    let octal = format!("\\000\\000\\000\\{:03o}", header.len());
    let script = format!("cat >/dev/null; printf '{octal}%s' '{header}'; exec yes");
    let outcome = with_worker("sh", &["-c", &script]).make_icon(data("photo.jpg")).await;
    assert!(matches!(outcome, Err(MediaError::Invalid(_))), "{outcome:?}");
}

#[tokio::test]
async fn more_jobs_than_processors_are_done_one_after_another() {
    let media = std::sync::Arc::new(with_worker(WORKER, &[]));
    let jobs: Vec<_> = (0..12)
        .map(|_| {
            let media = std::sync::Arc::clone(&media);
            tokio::spawn(async move { media.make_icon(data("photo.jpg")).await.map(|i| i.png) })
        })
        .collect();
    let mut icons = Vec::new();
    for job in jobs {
        icons.push(job.await.unwrap().unwrap());
    }
    icons.dedup();
    assert_eq!(icons.len(), 1);
}
