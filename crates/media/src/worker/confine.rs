//! Taking rights from the process itself.

use std::{collections::BTreeMap, io};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// What a kind of work may take.
pub(super) struct Limits {
    memory: u64,
    seconds: u64,
}

/// For pictures.
pub(super) const PICTURES: Limits = Limits { memory: 512 * 1024 * 1024, seconds: 5 };
/// For documents.
pub(super) const DOCUMENTS: Limits = Limits { memory: 1024 * 1024 * 1024, seconds: 20 };

/// Files that may be open: the three standard ones and one to ask Landlock with.
const OPEN_FILES: u64 = 8;

/// Takes away what no work needs, before anything is read.
pub(super) fn at_start() -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nproc, 0)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    limit_to(&DOCUMENTS)
}

/// Takes away the rest, before a user's bytes are read.
///
/// The kernel may lack Landlock, and rarely the system call filter; one of them
/// there must be.
pub(super) fn before_input(limits: &Limits) -> io::Result<()> {
    limit_to(limits)?;
    let landlock = no_files();
    match only_known_calls() {
        Ok(()) => Ok(()),
        Err(_) if landlock => Ok(()),
        Err(error) => Err(error),
    }
}

fn limit_to(limits: &Limits) -> io::Result<()> {
    limit(Resource::As, limits.memory)?;
    limit(Resource::Cpu, limits.seconds)
}

fn limit(resource: Resource, to: u64) -> io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) })?;
    Ok(())
}

/// Forbids all files, ports and signals to others; whether the kernel does.
fn no_files() -> bool {
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

/// Every other call of the kernel fails from now on.
fn only_known_calls() -> io::Result<()> {
    let calls = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let filter =
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch).map_err(io::Error::other)?;
    let program = BpfProgram::try_from(filter).map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}
