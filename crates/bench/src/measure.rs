//! What is measured, in which order.

mod content;
mod scene;
mod size;
mod streams;
mod writes;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    load::Step,
    machine::{self, Family},
    report::{self, Report},
    rounds::{Contender, Pace, alternate},
};
use scene::{Scene, Setting};

/// Arguments of `measure`.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// The service's program
    #[arg(long)]
    program: PathBuf,
    /// The superuser's address of a PostgreSQL server
    #[arg(long)]
    postgres: String,
    /// The process id of that server
    #[arg(long)]
    postmaster: u32,
    /// The folder of `pgbench`
    #[arg(long)]
    postgres_bin: PathBuf,
    /// Where the page of figures goes
    #[arg(long)]
    output: PathBuf,
    /// Let lists grow to 1,000,000 assistants instead of 100,000
    #[arg(long)]
    large: bool,
    /// Try everything once, quickly; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Measure files and icons only
    #[arg(long)]
    content: bool,
    /// Measure streamed answers only, and leave the rest of the page as it is
    #[arg(long, conflicts_with = "content")]
    streams: bool,
    /// Measure on these databases only
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Sqlite, Kind::Postgres])]
    databases: Vec<Kind>,
}

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The embedded one.
    Sqlite,
    /// The pooled one.
    Postgres,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

const FULL: Pace = Pace {
    rounds: 5,
    warm_up: Duration::from_secs(1),
    run: Duration::from_secs(4),
    connections: 32,
};
const QUICK: Pace = Pace {
    rounds: 2,
    warm_up: Duration::from_millis(200),
    run: Duration::from_secs(1),
    connections: 32,
};

/// Measures and writes the page.
pub(crate) async fn run(args: Args) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setting = Setting {
        program: args.program.clone(),
        postgres: args.postgres.clone(),
        postmaster: Family(args.postmaster),
        postgres_bin: args.postgres_bin.clone(),
        folder: folder.path().to_owned(),
    };
    let pace = if args.quick { QUICK } else { FULL };
    let mut report = Report::default();
    if args.streams {
        streams::measure(&setting, &args, &args.databases, &mut report).await?;
        let section = report.streams_section(&machine::description()?, &streams::method(&args));
        let old = std::fs::read_to_string(&args.output).unwrap_or_default();
        std::fs::write(&args.output, with_streams(&old, &section))?;
        std::io::Write::write_all(&mut std::io::stdout(), section.as_bytes())?;
        return Ok(());
    }
    for kind in args.databases.iter().copied() {
        let mut scenes = Vec::new();
        for count in sizes(&args) {
            tell(&format!("{}: making {count} assistants", kind.name()));
            scenes.push(Scene::make(&setting, kind, count).await?);
        }
        if let (true, Kind::Sqlite, [scene, ..]) = (args.content, kind, scenes.as_slice()) {
            content::measure(scene, pace, args.quick, &mut report).await?;
            continue;
        }
        if let [_, main, ..] = scenes.as_slice() {
            reads(main, pace, &mut report).await?;
            writes::measure(main, pace, &mut report).await?;
        }
        if let (Kind::Sqlite, [scene, ..]) = (kind, scenes.as_slice()) {
            content::measure(scene, pace, args.quick, &mut report).await?;
        }
        growth(&scenes, pace, &mut report).await?;
        if let Some(scene) = scenes.into_iter().nth(1) {
            size::measure(scene, &mut report).await?;
        }
    }
    size::binary(&args.program, &mut report)?;
    let machine = machine::description()?;
    let mut figures = report.page(&machine, &method(pace));
    if !args.content {
        streams::measure(&setting, &args, &args.databases, &mut report).await?;
        let section = report.streams_section(&machine, &streams::method(&args));
        figures = with_streams(&figures, &section);
    }
    std::fs::write(&args.output, &figures)?;
    std::io::Write::write_all(&mut std::io::stdout(), figures.as_bytes())?;
    Ok(())
}

/// The page with this section at its end, in place of the one that it had.
fn with_streams(page: &str, section: &str) -> String {
    let kept = page.split_once(report::STREAMS_HEAD).map_or(page, |(before, _)| before);
    format!("{}\n\n{section}", kept.trim_end())
}

/// How many assistants there are in the scenes; the second is where speed is
/// measured.
fn sizes(args: &Args) -> Vec<u64> {
    match (args.quick, args.large) {
        _ if args.content => vec![1_000],
        (true, _) => vec![1_000, 4_000],
        (false, false) => vec![10_000, 100_000],
        (false, true) => vec![10_000, 100_000, 1_000_000],
    }
}

fn method(pace: Pace) -> String {
    format!(
        "Each figure is the median of {} turns of {} s after {} s of warm-up, from {} connections \
         kept open by a load generator in another process; the service and its yardstick take \
         turns. The machine is shared, so that only ratios within a run count. Processor time is \
         that of the service and its database together, for one request or, for writes, one act.",
        pace.rounds,
        pace.run.as_secs(),
        pace.warm_up.as_secs_f64(),
        pace.connections,
    )
}

/// GET by id and the list, against the bare handlers.
async fn reads(scene: &Scene, pace: Pace, report: &mut Report) -> Result<()> {
    let yardstick = scene.yardstick().await?;
    let rows = [
        ("`GET /api/assistants/{id}`", "/rows/{id}", "/api/assistants/asst_{id}", 0.8),
        ("list of 50, 5 % visible", "/list", scene::LIST, 0.7),
    ];
    for (work, bare, full, goal) in rows {
        tell(&format!("{}: {work}", scene.kind.name()));
        let steps = |path: &str| vec![Step::new("GET", path, "", 200)];
        let mut contenders = [
            scene.contender(&yardstick, steps(bare))?,
            scene.contender(&scene.server, steps(full))?,
        ];
        if let [yardstick, service] = alternate(&mut contenders, pace).await?.as_slice() {
            report.speed(work, scene.kind.name(), goal, [*yardstick, *service]);
        }
    }
    Ok(())
}

/// The first page and a late one, for few and many assistants.
async fn growth(scenes: &[Scene], pace: Pace, report: &mut Report) -> Result<()> {
    tell("growth of lists");
    let mut rows: Vec<(&str, &Scene)> = Vec::new();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for scene in scenes {
        let late = scene.late_page().await?;
        for (what, path) in [("first page", scene::LIST.to_owned()), ("late page", late)] {
            rows.push((what, scene));
            let steps = vec![Step::new("GET", &path, "", 200)];
            contenders.push(scene.contender(&scene.server, steps)?);
        }
    }
    let figures = alternate(&mut contenders, pace).await?;
    let Some(smallest) = figures.first() else { return Ok(()) };
    for ((what, scene), here) in rows.iter().zip(&figures) {
        report.growth(what, scene.kind.name(), scene.count, *here, *smallest);
    }
    Ok(())
}

fn tell(what: &str) {
    eprintln!("bench: {what}");
}
