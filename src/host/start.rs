//! How the process starts: without the preparations of Rust's runtime, which would hide from the
//! guest what its parent has left it. The runtime ignores SIGPIPE and opens closed standard
//! descriptors; a program must find both as they were.

/// Defines the program's entry point, which runs `$run` and exits with the status it yields.
#[macro_export]
macro_rules! process_entry {
    ($run:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn main() -> i32 {
            $run()
        }
    };
}
