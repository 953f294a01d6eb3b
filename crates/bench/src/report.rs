//! The table of figures, as text for people.

use std::fmt::Write as _;

use crate::rounds::Figures;

/// What was measured, in the order of measuring.
#[derive(Default)]
pub(crate) struct Report {
    speed: Vec<[String; 9]>,
    growth: Vec<[String; 6]>,
    size: Vec<[String; 3]>,
    streams: Vec<[String; 6]>,
}

/// What the section of streams begins with; it is the last of the page.
pub(crate) const STREAMS_HEAD: &str = "## Streams";

const SPEED: [&str; 9] = [
    "work",
    "database",
    "a second",
    "yardstick",
    "ratio",
    "goal",
    "median / p99 ms",
    "CPU ms",
    "yardstick's",
];
const GROWTH: [&str; 6] =
    ["list of 50, as a member", "database", "rows", "median ms", "p99 ms", "p99 to the smallest"];
const STREAMS: [&str; 6] =
    ["what", "database", "direct", "through the service", "later, or ratio", "goal"];
const SIZE: [&str; 3] = ["what", "figure", "goal"];

impl Report {
    /// A row of speed: the yardstick's figures and the service's.
    pub(crate) fn speed(&mut self, work: &str, database: &str, goal: f64, pair: [Figures; 2]) {
        let [yardstick, service] = pair;
        self.speed.push([
            work.to_owned(),
            database.to_owned(),
            format!("{:.0}", service.rate),
            format!("{:.0}", yardstick.rate),
            format!("{:.2}", service.rate / yardstick.rate),
            format!("≥ {goal}"),
            format!("{:.1} / {:.1}", service.median, service.p99.unwrap_or_default()),
            format!("{:.3}", service.processor),
            format!("{:.3}", yardstick.processor),
        ]);
    }

    /// A row of growth: what a list costs with so many assistants.
    pub(crate) fn growth(
        &mut self,
        what: &str,
        database: &str,
        rows: u64,
        here: Figures,
        smallest: Figures,
    ) {
        let p99 = |figures: Figures| figures.p99.unwrap_or_default();
        self.growth.push([
            what.to_owned(),
            database.to_owned(),
            rows.to_string(),
            format!("{:.1}", here.median),
            format!("{:.1}", p99(here)),
            format!("{:.2}×", p99(here) / p99(smallest)),
        ]);
    }

    /// A row of size and start.
    pub(crate) fn size(&mut self, what: &str, figure: String, goal: &str) {
        self.size.push([what.to_owned(), figure, goal.to_owned()]);
    }

    /// A row of streams: direct, through the service, and the one to the other.
    pub(crate) fn streams(&mut self, what: &str, database: &str, figures: [String; 3], goal: &str) {
        let [direct, service, ratio] = figures;
        eprintln!("bench: {what}: direct {direct}, service {service}, {ratio}");
        let (what, database) = (what.to_owned(), database.to_owned());
        self.streams.push([what, database, direct, service, ratio, goal.to_owned()]);
    }

    /// The section of streams.
    pub(crate) fn streams_section(&self, machine: &str, method: &str) -> String {
        let table = table(&STREAMS, &self.streams);
        format!("{STREAMS_HEAD}\n\nMeasured on {machine}. {method}\n\n{table}")
    }

    /// The page without streams.
    pub(crate) fn page(&self, machine: &str, method: &str) -> String {
        let mut page = String::from("# Figures\n\n");
        // Writing to a text does not fail.
        let _ = write!(page, "Measured by `cargo xtask bench` on {machine}. {method}\n\n");
        page.push_str("## Speed\n\n");
        page.push_str(&table(&SPEED, &self.speed));
        page.push_str("\n## Growth\n\n");
        page.push_str(&table(&GROWTH, &self.growth));
        page.push_str("\n## Size and start\n\n");
        page.push_str(&table(&SIZE, &self.size));
        page
    }
}

fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
    for row in rows {
        text.push_str("| ");
        text.push_str(&row.join(" | "));
        text.push_str(" |\n");
    }
    text
}
