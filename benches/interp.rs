//! The interpreter on integer and floating-point loops, by criterion: each program of
//! `benches/programs` on the host, under QEMU and under remu, measured in processor time.
//!
//! `cargo bench --bench interp [FILTER]`, for example `float/nbody/remu`.

#[path = "../tests/common/mod.rs"]
mod common;
mod measure;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use measure::{Runner, qemu_version, run, workloads};

fn interpreter(c: &mut Criterion) {
    qemu_version();
    let (dir, workloads) = workloads();
    for work in workloads {
        let category = if work.float { "float" } else { "integer" };
        let mut group = c.benchmark_group(format!("{category}/{}", work.name));
        for runner in Runner::ALL {
            group.bench_function(runner.name(), |b| {
                b.iter_custom(|count| {
                    (0..count).map(|_| run(runner.command(&dir, &work.name).arg(&work.quick)).cpu).sum()
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    // A sample is a whole process: few of them, and no long warm-up.
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(2));
    targets = interpreter
}
criterion_main!(benches);
