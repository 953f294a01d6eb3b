//! What the operating system says about processes and the machine.

use std::{fs, io::Write as _, path::Path, time::Instant};

use anyhow::{Context, Result};

/// Processor time is told in hundredths of a second.
const TICK_MICROSECONDS: u64 = 10_000;

/// A process and all that come from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family(pub(crate) u32);

impl Family {
    /// The processor time that it has used up to now, in microseconds. Children
    /// that have ended are in it.
    pub(crate) fn processor_time(self) -> Result<u64> {
        let mut family = vec![self.0];
        let mut ticks = 0;
        let all = processes()?;
        while let Some(id) = family.pop() {
            family.extend(all.iter().filter(|process| process.parent == id).map(|child| child.id));
            let known = all.iter().find(|process| process.id == id);
            ticks += known.map_or(0, |process| process.ticks);
        }
        Ok(ticks * TICK_MICROSECONDS)
    }
}

/// The processor time of programs that this process started and that have ended,
/// in microseconds.
pub(crate) fn processor_time_of_ended() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("the system does not tell processor time")?;
    let fields = fields.split_whitespace().skip(13).take(2);
    let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() * TICK_MICROSECONDS)
}

/// A line of the process table.
struct Process {
    id: u32,
    parent: u32,
    ticks: u64,
}

fn processes() -> Result<Vec<Process>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        // A process may end while the table is read.
        if let Some(process) = id.and_then(|id| process(id, &path)) {
            all.push(process);
        }
    }
    Ok(all)
}

fn process(id: u32, path: &Path) -> Option<Process> {
    let stat = fs::read_to_string(path.join("stat")).ok()?;
    // The name is in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Process { id, parent, ticks: number(11)? + number(12)? + number(13)? + number(14)? })
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    number_after(&status, "VmRSS:").context("the system does not tell resident memory")
}

/// The most resident memory that a process ever had, in KiB.
pub(crate) fn peak_kib(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    number_after(&status, "VmHWM:").context("the system does not tell resident memory")
}

/// How long the disk under `folder` takes to keep a few bytes for good, in
/// milliseconds: the median, and what 99 of 100 times do not exceed.
pub(crate) fn sync_times(folder: &Path) -> Result<(f64, f64)> {
    let path = folder.join("sync");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::with_capacity(200);
    for _ in 0..200 {
        file.write_all(&[7; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    fs::remove_file(path)?;
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    Ok((at(100), at(198)))
}

/// The machine in one line, without its name.
pub(crate) fn description() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = fs::read_to_string("/proc/cpuinfo")?;
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unnamed processor", |(_, name)| name.trim())
        .to_owned();
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = number_after(&memory, "MemTotal:").unwrap_or_default() / (1024 * 1024);
    Ok(format!("{cores} cores of {model}, {memory} GiB of memory"))
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}
