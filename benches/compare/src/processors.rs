//! The processors of this machine.

use rustix::thread::{CpuSet, sched_getaffinity};
use std::fs;

/// The processors in this process's affinity mask.
pub fn allowed() -> Result<Vec<usize>, String> {
    let set = sched_getaffinity(None).map_err(|e| format!("sched_getaffinity: {e}"))?;
    Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
}

/// `count` processors, no two of which share a core.
pub fn apart(count: usize) -> Result<Vec<usize>, String> {
    let mut cores: Vec<String> = Vec::new();
    let mut chosen = Vec::new();
    for cpu in allowed()? {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let core = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        if !cores.contains(&core) {
            cores.push(core);
            chosen.push(cpu);
        }
    }
    if chosen.len() < count {
        return Err(format!("--jobs {count}: there are {} cores", chosen.len()));
    }
    chosen.truncate(count);
    Ok(chosen)
}
